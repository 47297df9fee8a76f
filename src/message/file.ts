import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { inputError, unreadable } from "../errors.ts";
import { type Header, splitHeader } from "../header/header.ts";
import type { Encoding, Message } from "../protocol/package.ts";
import { fileChunks } from "./file-chunks.ts";
import { convertWhole, LineEndConverter, LineEndCounter } from "./line-ends.ts";
import { withReadErrors } from "./read-errors.ts";

/** Shows whether a file has changed since it was counted. */
interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export interface FileFormat {
  readonly encoding: Encoding;
  /** Send the bytes unchanged, only labelled with the encoding. */
  readonly raw: boolean;
  /** Returns the bytes that replace the header. */
  readonly editHeader?: EditHeader | undefined;
  /** Called while a file is counted, before it is sent, with the bytes read so far and their total. */
  readonly onRead?: ((bytes: number, total: number) => void) | undefined;
}

export type EditHeader = (header: Header) => Promise<Buffer>;

/**
 * A regular file as a message. Only an edited header is kept in memory. One pass counts the line ends; each time it is
 * sent, the file is read again, and its bytes pass through untouched if none need to change.
 *
 * @param fd the open file; keep it open as long as the message is needed
 * @param name its name for error messages
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
  const { encoding, raw, onRead } = format;
  const stamp = stampOf(fd, name);
  const { head, from } = await readHead(fd, name, start, format);
  const counted = onRead && ((bytes: number) => onRead(from + bytes, Number(stamp.size)));
  const bytesToCount = withReadErrors(fileChunks(fd, from), name);
  const change = raw ? 0 : await countChange(bytesToCount, encoding, signal, counted);
  const length = Number(stamp.size) - from + change;
  // Same length means same bytes: `unix` only ever removes CRs, `dos` only ever adds them.
  const bytes = () => (change === 0 ? fileChunks(fd, from) : convertLineEnds(fileChunks(fd, from), encoding));
  const chunks = () => verifyUnchanged(fd, name, stamp, length, bytes());
  return {
    encoding,
    length: head.length + length,
    chunks: () => (head.length === 0 ? chunks() : prepend(head, chunks())),
  };
}

/** The edited header to send first, and the offset at which the rest of the file begins. */
async function readHead(
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
 * The descriptor's position in its regular file. Node has no call for it, so this reads to the end: the position is
 * the size minus the bytes that were left.
 * @throws {QmtpError} unreadable-input, including when the file changed meanwhile
 */
export async function positionOf(
  fd: number,
  name: string,
  signal: AbortSignal,
  onRead?: FileFormat["onRead"],
): Promise<number> {
  const before = stampOf(fd, name);
  let left = 0;
  for await (const chunk of withReadErrors(fileChunks(fd, null), name)) {
    signal.throwIfAborted();
    left += chunk.length;
    onRead?.(left, Number(before.size));
  }
  const after = stampOf(fd, name);
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw inputError(`${name} changed while it was read; nothing was sent`);
  }
  return Math.max(0, Number(after.size) - left);
}

async function* prepend(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield head;
  yield* rest;
}

/** The state of a regular file when it was last examined. */
export interface FileSnapshot {
  readonly path: string | Buffer;
  /** For error messages. */
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/**
 * The unchanged bytes of a file from an offset on. The file is opened for the first chunk, and closed after the last
 * one or when the reader stops.
 * @param chunk the most bytes of a chunk
 * @throws {QmtpError} unreadable-input, including when the file has changed since it was examined
 */
export async function* restOfFile(
  file: FileSnapshot,
  from: number,
  chunk?: number,
): AsyncGenerator<Buffer, void> {
  const fd = openSnapshot(file);
  try {
    const { mtimeMs } = fstatSync(fd);
    const stamp = stampOf(fd, file.name);
    if (Number(stamp.size) !== file.bytes || mtimeMs !== file.mtimeMs) throw changedFile(file.name);
    yield* verifyUnchanged(fd, file.name, stamp, file.bytes - from, fileChunks(fd, from, chunk));
  } finally {
    closeSync(fd);
  }
}

/** With O_NONBLOCK, opening does not hang if a named pipe has taken the file's place. */
function openSnapshot({ path, name }: FileSnapshot): number {
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
  onCounted?: (bytes: number) => void,
): Promise<number> {
  const counter = new LineEndCounter(encoding);
  let bytes = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    counter.add(chunk);
    bytes += chunk.length;
    onCounted?.(bytes);
  }
  return counter.change;
}

async function* convertLineEnds(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<Buffer, void> {
  const converter = new LineEndConverter(encoding);
  for await (const chunk of chunks) yield converter.convert(chunk);
  yield converter.end();
}

/** Passes the bytes on, and fails if there are more or fewer than were counted or the file has changed meanwhile. */
async function* verifyUnchanged(
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
