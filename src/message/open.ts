import { closeSync, fstatSync } from "node:fs";
import { splitHeader } from "../header/header.ts";
import { onAbort } from "../io/abort.ts";
import type { InputStream } from "../io/streams.ts";
import type { Message } from "../protocol/package.ts";
import { type EditHeader, type FileFormat, fileMessage, positionOf } from "./file.ts";
import { inputStream, openForReading } from "./input.ts";
import { LineEndConverter } from "./line-ends.ts";
import { withReadErrors } from "./read-errors.ts";
import { MAX_MEMORY, StoredBytes } from "./stored-bytes.ts";

export interface MessageOptions extends FileFormat {
  /** For messages too large for memory. */
  readonly temporaryDirectory: string;
  /** Stops reading when aborted. */
  readonly signal: AbortSignal;
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
  try {
    const message = await fileMessage(fd, path, options, options.signal);
    return { message, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
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
  const { signal, temporaryDirectory } = options;
  const { regularFile: fd } = stream;
  if (fd !== undefined && fstatSync(fd).size > MAX_MEMORY) {
    const message = await fileMessage(
      fd,
      name,
      options,
      signal,
      await positionOf(fd, name, signal, options.onRead),
    );
    return { message, close: () => stream.destroy() };
  }
  const stored = new StoredBytes(temporaryDirectory);
  const stopListening = onAbort(signal, () => stream.destroy());
  try {
    signal.throwIfAborted();
    const chunks = withReadErrors(stream, name);
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
