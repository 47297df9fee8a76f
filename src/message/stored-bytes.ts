import { closeSync } from "node:fs";
import { QmtpError, reason } from "../errors.ts";
import { openTemporaryFile, writeWhole } from "../io/temporary-file.ts";
import { fileChunks } from "./file-chunks.ts";

/** Bytes of a stream to keep in memory before it is moved to a file. */
export const MAX_MEMORY = 8 * 1024 * 1024;
/** Bytes of a block, which gathers small pieces: a stream of single bytes takes no more memory than its bytes. */
const BLOCK = 64 * 1024;

/**
 * Stores a stream until it is sent, because its length is sent first: in memory up to a maximum, then in a temporary
 * file that disappears with the process.
 */
export class StoredBytes {
  readonly #directory: string;
  readonly #maxMemory: number;
  #blocks: Buffer[] = [];
  /** Bytes used in the last block. */
  #filled = BLOCK;
  #fd: number | undefined;
  length = 0;

  /**
   * @param directory for the temporary file, if one is needed
   * @param maxMemory bytes to keep in memory
   */
  constructor(directory: string, maxMemory = MAX_MEMORY) {
    this.#directory = directory;
    this.#maxMemory = maxMemory;
  }

  /**
   * Copies the bytes.
   * @throws {QmtpError} unwritable-spool when the temporary file cannot be created or written
   */
  add(bytes: Buffer): void {
    this.length += bytes.length;
    if (this.length <= this.#maxMemory) this.#keep(bytes);
    else this.#toFile(bytes);
  }

  /** All bytes; can be read repeatedly. A chunk is valid until the next one is read. */
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
        this.#fd = openTemporaryFile(this.#directory);
        for (const block of this.#kept()) writeWhole(this.#fd, block);
        this.#blocks = [];
      }
      writeWhole(this.#fd, bytes);
    } catch (error) {
      const message = `cannot store the message in ${this.#directory}: ${reason(error)}`;
      throw new QmtpError("unwritable-spool", message, { cause: error });
    }
  }
}
