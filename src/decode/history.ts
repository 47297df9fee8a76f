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

  /**
   * What is around a place in the piece that follows, or before it.
   * @param at the place, from the start of the piece; negative if it is before it
   * @param most how many bytes before the place, if it is in the piece; never more than `HISTORY`
   * @returns these bytes, or as many as are there; and those from the place on to the end of the piece
   */
  around(at: number, most: number, piece: Buffer): readonly [Buffer, Buffer] {
    // No more, or it would matter how the stream is chunked.
    const wanted = Math.min(most, HISTORY);
    if (at >= wanted) return [piece.subarray(at - wanted, at), piece.subarray(at)];
    const { last } = this;
    const from = Math.max(0, last.length + at - wanted);
    if (at >= 0) return [Buffer.concat([last.subarray(from), piece.subarray(0, at)]), piece.subarray(at)];
    const place = last.length + at;
    return [Buffer.from(last.subarray(from, place)), Buffer.concat([last.subarray(place), piece])];
  }
}
