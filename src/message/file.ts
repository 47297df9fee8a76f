import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { inputError, unreadable } from "../errors.ts";
import { type Header, splitHeader } from "../header/header.ts";
import type { Encoding, Message } from "../protocol/package.ts";
import { fileChunks } from "./file-chunks.ts";
import { convertWhole, LineEndConverter, LineEndCounter } from "./line-ends.ts";
import { readable } from "./readable.ts";

/** What shows that a file is still the one that was counted. */
interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export interface FileFormat {
  readonly encoding: Encoding;
  /** The bytes go as they stand, only labelled with the encoding. */
  readonly raw: boolean;
  /** Gives the bytes that take the place of the header's. */
  readonly editHeader?: EditHeader | undefined;
}

export type EditHeader = (header: Header) => Promise<Buffer>;

/**
 * A regular file as a message. It is never held, except for a header that is edited: one pass counts what its line
 * ends will take, and each sending is a pass of its own, without a look at the bytes where nothing is to be changed.
 *
 * @param fd the open file, which stays open as long as the message is needed
 * @param name how to call it in errors
 * @throws {CommandError} unreadable-input, also from `chunks` when the file changed since it was counted;
 *   bad-header; and what `editHeader` throws
 */
export async function fileMessage(
  fd: number,
  name: string,
  format: FileFormat,
  signal: AbortSignal,
): Promise<Message> {
  const { encoding, raw } = format;
  const stamp = stampOf(fd, name);
  const { head, from } = await headOf(fd, name, format);
  const change = raw ? 0 : await countChange(readable(fileChunks(fd, from), name), encoding, signal);
  const length = Number(stamp.size) - from + change;
  // For `dos`, no change in length means that nothing changes too: CRs are only ever added.
  const bytes = () => (change === 0 ? fileChunks(fd, from) : converted(fileChunks(fd, from), encoding));
  const chunks = () => unchanged(fd, name, stamp, length, bytes());
  return {
    encoding,
    length: head.length + length,
    chunks: () => (head.length === 0 ? chunks() : followed(head, chunks())),
  };
}

/** What goes before the bytes of the file, and the byte from which on they go. */
async function headOf(
  fd: number,
  name: string,
  { encoding, raw, editHeader }: FileFormat,
): Promise<{ head: Buffer; from: number }> {
  if (editHeader === undefined) return { head: Buffer.alloc(0), from: 0 };
  const { header } = await splitHeader(readable(fileChunks(fd), name));
  const head = await editHeader(header);
  return { head: raw ? head : convertWhole(head, encoding), from: header.bytes.length };
}

async function* followed(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield head;
  yield* rest;
}

/** A regular file as it was when somebody looked at it. */
export interface KnownFile {
  readonly path: string | Buffer;
  /** How to call it in errors. */
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/**
 * The bytes of a file from a place on, as they stand. It is opened when the first one is asked for, and closed
 * when the last one was, or nobody wants the next.
 * @throws {CommandError} unreadable-input, also when it is not the file any more that was looked at
 */
export async function* restOfFile(file: KnownFile, from: number): AsyncGenerator<Buffer, void> {
  const fd = openKnown(file);
  try {
    const { mtimeMs } = fstatSync(fd);
    const stamp = stampOf(fd, file.name);
    if (Number(stamp.size) !== file.bytes || mtimeMs !== file.mtimeMs) throw changedFile(file.name);
    yield* unchanged(fd, file.name, stamp, file.bytes - from, fileChunks(fd, from));
  } finally {
    closeSync(fd);
  }
}

/** Without O_NONBLOCK, a named pipe in the file's place would be waited for. */
function openKnown({ path, name }: KnownFile): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(name, error);
  }
}

function changedFile(name: string): Error {
  return inputError(`${name} changed while it was sent; the message was not completed`);
}

function stampOf(fd: number, name: string): Stamp {
  try {
    return fstatSync(fd, { bigint: true });
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function countChange(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
  signal: AbortSignal,
): Promise<number> {
  const counter = new LineEndCounter(encoding);
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    counter.add(chunk);
  }
  return counter.change;
}

async function* converted(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer, void> {
  const converter = new LineEndConverter(encoding);
  for await (const chunk of chunks) yield converter.convert(chunk);
  yield converter.end();
}

/** Passes the bytes on as long as they can be those that were counted, and looks at the file again at the end. */
async function* unchanged(
  fd: number,
  name: string,
  stamp: Stamp,
  length: number,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  let rest = length;
  for await (const chunk of readable(chunks, name)) {
    rest -= chunk.length;
    if (rest < 0) throw changedFile(name);
    yield chunk;
  }
  const now = stampOf(fd, name);
  if (rest > 0 || now.size !== stamp.size || now.mtimeNs !== stamp.mtimeNs) throw changedFile(name);
}
