/**
 * How far back a violation can be explained, and reading can go on before it, in bytes: more than the longest response
 * or address.
 */
export const HISTORY = 80 * 1024;

/** The last bytes of a stream, copied. */
export class History {
  readonly #bytes = Buffer.allocUnsafeSlow(2 * HISTORY);
  #length = 0;

  add(chunk: Buffer): void {
    const added = chunk.length > HISTORY ? chunk.subarray(chunk.length - HISTORY) : chunk;
    if (this.#length + added.length > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#length - HISTORY, this.#length);
      this.#length = HISTORY;
    }
    added.copy(this.#bytes, this.#length);
    this.#length += added.length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** The last bytes, `HISTORY` at most; valid until more are added. */
  get last(): Buffer {
    return this.#bytes.subarray(Math.max(0, this.#length - HISTORY), this.#length);
  }
}
