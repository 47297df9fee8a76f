import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { inputError, unreadable } from "../errors.ts";
import { type Header, splitHeader } from "../header/header.ts";
import type { Encoding, Message } from "../protocol/package.ts";
import { fileChunks } from "./file-chunks.ts";
import { convertWhole, LineEndConverter, LineEndCounter } from "./line-ends.ts";
import { withReadErrors } from "./read-errors.ts";

/** Shows whether a file is still as it was when it was counted. */
interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export interface FileFormat {
  readonly encoding: Encoding;
  /** Send the bytes as they are, only labelled with the encoding. */
  readonly raw: boolean;
  /** Returns the bytes to send instead of the header's. */
  readonly editHeader?: EditHeader | undefined;
}

export type EditHeader = (header: Header) => Promise<Buffer>;

/**
 * A regular file as a message. Nothing of it is held in memory except an edited header. One pass counts its line
 * ends, and each sending reads it again, without looking at the bytes if nothing needs to change.
 *
 * @param fd the open file; keep it open for as long as the message is needed
 * @param name what to call it in errors
 * @param start the offset of the message's first byte
 * @throws {QmtpError} unreadable-input, also from `chunks` when the file changed since it was counted;
 *   bad-header; and what `editHeader` throws
 */
export async function fileMessage(
  fd: number,
  name: string,
  format: FileFormat,
  signal: AbortSignal,
  start = 0,
): Promise<Message> {
  const { encoding, raw } = format;
  const stamp = stampOf(fd, name);
  const { head, from } = await headOf(fd, name, start, format);
  const change = raw ? 0 : await countChange(withReadErrors(fileChunks(fd, from), name), encoding, signal);
  const length = Number(stamp.size) - from + change;
  // No change in length means no change at all: for `unix`, CRs are only ever removed, for `dos` only ever added.
  const bytes = () => (change === 0 ? fileChunks(fd, from) : converted(fileChunks(fd, from), encoding));
  const chunks = () => unchanged(fd, name, stamp, length, bytes());
  return {
    encoding,
    length: head.length + length,
    chunks: () => (head.length === 0 ? chunks() : followed(head, chunks())),
  };
}

/** What to send before the bytes of the file, and the offset at which these begin. */
async function headOf(
  fd: number,
  name: string,
  start: number,
  { encoding, raw, editHeader }: FileFormat,
): Promise<{ head: Buffer; from: number }> {
  if (editHeader === undefined) return { head: Buffer.alloc(0), from: start };
  const { header } = await splitHeader(withReadErrors(fileChunks(fd, start), name));
  const head = await editHeader(header);
  return { head: raw ? head : convertWhole(head, encoding), from: start + header.bytes.length };
}

/**
 * Where a descriptor is in its regular file. Node cannot ask the system, so the file is read to its end: the position
 * is its size minus the bytes that were left.
 * @throws {QmtpError} unreadable-input, including when the file changed meanwhile
 */
export async function positionOf(fd: number, name: string, signal: AbortSignal): Promise<number> {
  const before = stampOf(fd, name);
  let left = 0;
  for await (const chunk of withReadErrors(fileChunks(fd, null), name)) {
    signal.throwIfAborted();
    left += chunk.length;
  }
  const after = stampOf(fd, name);
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw inputError(`${name} changed while it was read; nothing was sent`);
  }
  return Math.max(0, Number(after.size) - left);
}

async function* followed(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield head;
  yield* rest;
}

/** A regular file as it was when it was last examined. */
export interface KnownFile {
  readonly path: string | Buffer;
  /** What to call it in errors. */
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/**
 * The bytes of a file from an offset on, as they are. It is opened for the first chunk, and closed after the last
 * one or when the reader stops.
 * @throws {QmtpError} unreadable-input, including when the file has changed since it was examined
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

/** Without O_NONBLOCK, opening would wait if a named pipe had taken the file's place. */
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

/** Passes the bytes on as long as they can be those that were counted, and checks the file again at the end. */
async function* unchanged(
  fd: number,
  name: string,
  stamp: Stamp,
  length: number,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  let rest = length;
  for await (const chunk of withReadErrors(chunks, name)) {
    rest -= chunk.length;
    if (rest < 0) throw changedFile(name);
    yield chunk;
  }
  const now = stampOf(fd, name);
  if (rest > 0 || now.size !== stamp.size || now.mtimeNs !== stamp.mtimeNs) throw changedFile(name);
}
