import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { CommandError, reason } from "../errors.ts";
import type { Encoding, Message } from "../protocol/package.ts";
import { fileChunks } from "./file-chunks.ts";
import { LineEndConverter } from "./line-ends.ts";

/** What a stream may take of memory before it goes to a file, in bytes. */
const MEMORY_LIMIT = 8 * 1024 * 1024;
/** What arrives in small pieces is kept in blocks, so that a drip of bytes takes no more than its bytes. */
const BLOCK = 64 * 1024;

/**
 * Keeps a stream's bytes until they are sent, because their number goes out before they do: in memory up to a
 * limit, then in a temporary file that has no name and goes with the process.
 */
export class Spool {
  readonly #directory: string;
  readonly #memoryLimit: number;
  #blocks: Buffer[] = [];
  /** Bytes used of the last block. */
  #filled = BLOCK;
  #fd: number | undefined;
  length = 0;

  /**
   * @param directory where the temporary file goes, if one is needed
   * @param memoryLimit what is held in memory, in bytes
   */
  constructor(directory: string, memoryLimit = MEMORY_LIMIT) {
    this.#directory = directory;
    this.#memoryLimit = memoryLimit;
  }

  /**
   * Adds bytes, which are copied.
   * @throws {CommandError} unwritable-spool when the temporary file cannot be made or written
   */
  add(bytes: Buffer): void {
    this.length += bytes.length;
    if (this.length <= this.#memoryLimit) this.#keep(bytes);
    else this.#toFile(bytes);
  }

  /** The bytes, as often as needed, once all were added. A chunk of a file stands until the next is asked for. */
  chunks(): Iterable<Buffer> | AsyncIterable<Buffer> {
    return this.#fd === undefined ? this.#kept() : fileChunks(this.#fd);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #keep(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === BLOCK) {
        this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK));
        this.#filled = 0;
      }
      const copied = bytes.copy(this.#blocks.at(-1) as Buffer, this.#filled, at);
      this.#filled += copied;
      at += copied;
    }
  }

  #kept(): Buffer[] {
    const last = this.#blocks.length - 1;
    return this.#blocks.map((block, index) => (index === last ? block.subarray(0, this.#filled) : block));
  }

  #toFile(bytes: Buffer): void {
    try {
      if (this.#fd === undefined) {
        this.#fd = openUnlinked(this.#directory);
        for (const block of this.#kept()) writeWhole(this.#fd, block);
        this.#blocks = [];
      }
      writeWhole(this.#fd, bytes);
    } catch (error) {
      const message = `cannot keep the message in ${this.#directory}: ${reason(error)}; name another directory in TMPDIR`;
      throw new CommandError(message, { code: "unwritable-spool", cause: error });
    }
  }
}

/**
 * A stream as a message, read to its end and converted on the way.
 * @throws {CommandError} unwritable-spool; and what the stream throws
 */
export async function spoolMessage(
  spool: Spool,
  chunks: AsyncIterable<Buffer>,
  format: { encoding: Encoding; raw: boolean },
): Promise<Message> {
  const converter = new LineEndConverter(format.encoding);
  for await (const chunk of chunks) spool.add(format.raw ? chunk : converter.convert(chunk));
  spool.add(converter.end());
  return { encoding: format.encoding, length: spool.length, chunks: () => spool.chunks() };
}

function openUnlinked(directory: string): number {
  const path = `${directory}/qmtp-${crypto.randomUUID()}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
