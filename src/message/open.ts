import { closeSync, fstatSync } from "node:fs";
import { inputTimeout } from "../errors.ts";
import { splitHeader } from "../header/header.ts";
import { onAbort } from "../io/abort.ts";
import { type Patience, startWait } from "../io/patience.ts";
import type { InputStream } from "../io/streams.ts";
import type { Message } from "../protocol/package.ts";
import { type EditHeader, type FileFormat, fileMessage, positionOf } from "./file.ts";
import { inputStream, openForReading } from "./input.ts";
import { LineEndConverter } from "./line-ends.ts";
import { withReadErrors } from "./read-errors.ts";
import { MAX_MEMORY, StoredBytes } from "./stored-bytes.ts";

/** How to read a message, and for how long. */
export interface MessageOptions extends FileFormat, Patience {
  /** For messages too large for memory. */
  readonly temporaryDirectory: string;
}

/** A message with the files that it needs open. */
export interface OpenMessage {
  readonly message: Message;
  close(): void;
}

/**
 * Opens the message in a file. Anything but a regular file is read as a stream.
 * @throws {QmtpError} usage, for a directory; unreadable-input, unwritable-spool, bad-header; and what `editHeader`
 *   throws
 */
export async function openFile(path: string, options: MessageOptions): Promise<OpenMessage> {
  const input = openForReading(path);
  const { fd, kind } = input;
  if (!kind.isFile()) return readStream(await inputStream(input), path, options);
  const wait = startWait(options, (ms) => inputTimeout(path, ms, true));
  try {
    const message = await fileMessage(fd, path, options, wait.signal);
    return { message, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  } finally {
    wait.end();
  }
}

/**
 * Reads the message on a stream to its end. A large regular file is not copied but sent from where it is.
 * @throws {QmtpError} unreadable-input, unwritable-spool, bad-header; and what `editHeader` throws
 */
export async function readStream(
  stream: InputStream,
  name: string,
  options: MessageOptions,
): Promise<OpenMessage> {
  let begun = false;
  const wait = startWait(options, (ms) => inputTimeout(name, ms, begun));
  const onChunk = () => {
    begun = true;
  };
  try {
    const { regularFile: fd } = stream;
    if (fd === undefined || fstatSync(fd).size <= MAX_MEMORY) {
      return await readWhole(stream, name, options, wait.signal, onChunk);
    }
    const { signal } = wait;
    const start = await positionOf(fd, name, signal, options.onRead);
    const message = await fileMessage(fd, name, options, signal, start);
    return { message, close: () => stream.destroy() };
  } finally {
    wait.end();
  }
}

async function readWhole(
  stream: InputStream,
  name: string,
  options: MessageOptions,
  signal: AbortSignal,
  onChunk: () => void,
): Promise<OpenMessage> {
  const stored = new StoredBytes(options.temporaryDirectory);
  const stopListening = onAbort(signal, () => stream.destroy());
  try {
    signal.throwIfAborted();
    const chunks = withReadErrors(stream, name, onChunk);
    const { editHeader } = options;
    const message = await readMessage(
      stored,
      editHeader ? editHeaderOf(chunks, editHeader) : chunks,
      options,
    );
    signal.throwIfAborted();
    return { message, close: () => stored.close() };
  } catch (error) {
    stored.close();
    signal.throwIfAborted();
    throw error;
  } finally {
    stopListening();
    stream.destroy();
  }
}

/** Reads a stream to its end, converting line ends. */
async function readMessage(
  stored: StoredBytes,
  chunks: AsyncIterable<Buffer>,
  { encoding, raw }: FileFormat,
): Promise<Message> {
  const converter = new LineEndConverter(encoding);
  for await (const chunk of chunks) stored.add(raw ? chunk : converter.convert(chunk));
  stored.add(converter.end());
  return { encoding, length: stored.length, chunks: () => stored.chunks() };
}

async function* editHeaderOf(chunks: AsyncIterable<Buffer>, edit: EditHeader): AsyncGenerator<Buffer, void> {
  const { header, rest } = await splitHeader(chunks);
  yield await edit(header);
  yield* rest;
}
