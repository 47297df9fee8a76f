import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { unreadable, unreadableArgument } from "../errors.ts";
import type { InputStream } from "../io/streams.ts";
import { fileChunks } from "./file-chunks.ts";

/** A file that is open for reading, and its kind. */
export interface OpenFile {
  readonly fd: number;
  readonly kind: Stats;
}

/**
 * Opens a file. With O_NONBLOCK, opening a named pipe without a writer does not hang.
 * @throws {QmtpError} usage, for a directory; unreadable-input
 */
export function openForReading(path: string): OpenFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
  const kind = fstatSync(fd);
  if (!kind.isDirectory()) return { fd, kind };
  closeSync(fd);
  throw unreadableArgument(path, new Error("it is a directory"));
}

/**
 * Reads a file as a stream whose `destroy` ends any wait at once. Node's file streams wait in a thread, for the writer
 * of a named pipe, for example. That cannot be stopped, and would keep the process from exiting.
 */
export async function inputStream({ fd, kind }: OpenFile): Promise<InputStream> {
  if (kind.isFIFO()) {
    const { Socket } = await import("node:net");
    return new Socket({ fd, readable: true, writable: false });
  }
  if (kind.isCharacterDevice()) {
    const { isatty, ReadStream } = await import("node:tty");
    if (isatty(fd)) return new ReadStream(fd);
  }
  const chunks = fileChunks(fd, null);
  let isOpen = true;
  const destroy = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return { [Symbol.asyncIterator]: () => chunks, destroy };
}
