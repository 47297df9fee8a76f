import { closeSync, constants, createReadStream, fstatSync, openSync } from "node:fs";
import { unreadable, usageError } from "../errors.ts";
import { splitHeader } from "../header/header.ts";
import { onAbort } from "../io/abort.ts";
import type { InputStream } from "../io/streams.ts";
import type { Message } from "../protocol/package.ts";
import { type EditHeader, type FileFormat, fileMessage, positionOf } from "./file.ts";
import { HeldBytes, MAX_MEMORY } from "./held-bytes.ts";
import { LineEndConverter } from "./line-ends.ts";
import { withReadErrors } from "./read-errors.ts";

export interface MessageOptions extends FileFormat {
  /** For messages that are not held in memory. */
  readonly temporaryDirectory: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** A message, and what it keeps open until it is closed. */
export interface OpenMessage {
  readonly message: Message;
  close(): void;
}

/**
 * The message in a file; anything but a regular file is read like a stream.
 * @throws {QmtpError} usage, for a directory; unreadable-input, unwritable-spool, bad-header; and what `editHeader`
 *   throws
 */
export async function openFile(path: string, options: MessageOptions): Promise<OpenMessage> {
  const fd = openForReading(path);
  const kind = fstatSync(fd);
  if (kind.isFIFO()) return readStream(await pipeStream(fd), path, options);
  if (!kind.isFile() && !kind.isDirectory()) {
    // A terminal, for example, cannot be read without waiting.
    closeSync(fd);
    return readStream(createReadStream(path), path, options);
  }
  try {
    if (kind.isDirectory())
      throw usageError(`cannot read ${path}: it is a directory; name a file that can be read`);
    const message = await fileMessage(fd, path, options, options.signal);
    return { message, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * The message on a stream, read to its end. A large regular file is sent in place, not copied.
 * @throws {QmtpError} unreadable-input, unwritable-spool, bad-header; and what `editHeader` throws
 */
export async function readStream(
  stream: InputStream,
  name: string,
  options: MessageOptions,
): Promise<OpenMessage> {
  const { signal, temporaryDirectory } = options;
  const { regularFile: fd } = stream;
  if (fd !== undefined && fstatSync(fd).size > MAX_MEMORY) {
    const message = await fileMessage(fd, name, options, signal, await positionOf(fd, name, signal));
    return { message, close: () => stream.destroy() };
  }
  const held = new HeldBytes(temporaryDirectory);
  const stopListening = onAbort(signal, () => stream.destroy());
  try {
    signal.throwIfAborted();
    const chunks = withReadErrors(stream, name);
    const { editHeader } = options;
    const message = await readMessage(held, editHeader ? edited(chunks, editHeader) : chunks, options);
    signal.throwIfAborted();
    return { message, close: () => held.close() };
  } catch (error) {
    held.close();
    signal.throwIfAborted();
    throw error;
  } finally {
    stopListening();
    stream.destroy();
  }
}

/** Reads a stream to its end, and converts it. */
async function readMessage(
  held: HeldBytes,
  chunks: AsyncIterable<Buffer>,
  { encoding, raw }: FileFormat,
): Promise<Message> {
  const converter = new LineEndConverter(encoding);
  for await (const chunk of chunks) held.add(raw ? chunk : converter.convert(chunk));
  held.add(converter.end());
  return { encoding, length: held.length, chunks: () => held.chunks() };
}

async function* edited(chunks: AsyncIterable<Buffer>, edit: EditHeader): AsyncGenerator<Buffer, void> {
  const { header, rest } = await splitHeader(chunks);
  yield await edit(header);
  yield* rest;
}

/** Without O_NONBLOCK, opening a named pipe that has no writer could not be interrupted. */
function openForReading(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A named pipe is read by the event loop, so that a signal can interrupt the wait for its writer. */
async function pipeStream(fd: number): Promise<InputStream> {
  const { Socket } = await import("node:net");
  return new Socket({ fd, readable: true, writable: false });
}
