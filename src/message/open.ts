import type { FileHandle } from "node:fs/promises";
import { inputError, reason } from "../errors.ts";
import type { Encoding, Message } from "../protocol/package.ts";
import { fileMessage } from "./file.ts";
import { Spool, spoolMessage } from "./spool.ts";

export interface MessageOptions {
  readonly encoding: Encoding;
  /** The bytes go as they stand, only labelled with the encoding. */
  readonly raw: boolean;
  /** Where what does not fit into memory is kept. */
  readonly temporaryDirectory: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** A message and what it holds open until it was sent. */
export interface OpenMessage {
  readonly message: Message;
  close(): Promise<void>;
}

type Bytes = AsyncIterable<Buffer> & { destroy(error?: Error): unknown };

/**
 * The message in a file; one that is not a regular file is read like a stream.
 * @throws {CommandError} unreadable-input
 */
export async function openFile(path: string, options: MessageOptions): Promise<OpenMessage> {
  const file = await openForReading(path);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw inputError(`cannot read ${path}: it is a directory; name a file`);
    if (stat.isFile()) {
      const message = await fileMessage(file, path, options, options.signal);
      return { message, close: () => file.close() };
    }
    if (stat.isFIFO()) return await openPipe(file, path, options);
    return await openStream(file.createReadStream({ autoClose: false }), path, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The message on a stream, read to its end.
 * @throws {CommandError} unreadable-input
 */
export async function openStream(stream: Bytes, name: string, options: MessageOptions): Promise<OpenMessage> {
  const { signal, temporaryDirectory } = options;
  const spool = new Spool(temporaryDirectory);
  const abort = () => stream.destroy();
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    const message = await spoolMessage(spool, stream, name, options);
    signal.throwIfAborted();
    return { message, close: () => spool.close() };
  } catch (error) {
    await spool.close();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Without O_NONBLOCK, opening a pipe that nobody writes to could not be interrupted. */
async function openForReading(path: string): Promise<FileHandle> {
  const { constants, open } = await import("node:fs/promises");
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw inputError(`cannot read ${path}: ${reason(error)}`, error);
  }
}

/** A named pipe: waited for and read by the event loop, so that it can be interrupted. */
async function openPipe(file: FileHandle, path: string, options: MessageOptions): Promise<OpenMessage> {
  const { Socket } = await import("node:net");
  const { constants, openSync } = await import("node:fs");
  // A descriptor of its own, for the socket closes it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  await file.close();
  const pipe = new Socket({ fd, readable: true, writable: false });
  try {
    return await openStream(pipe, path, options);
  } finally {
    pipe.destroy();
  }
}
