const NOTHING = Buffer.alloc(0);

/**
 * A position in a stream of bytes that arrives in chunks. Readers take what they need and move `at` past it. Chunks
 * are never joined: a reader gathers what spans several.
 */
export class Cursor {
  chunk: Buffer = NOTHING;
  at = 0;
  /** Where readers stop: at the end of the chunk, or earlier, inside a netstring that contains others. */
  end = 0;
  #before = 0;

  /**
   * Moves on to the next chunk.
   * @throws {RangeError} when the previous chunk was not read to its end: the rest would be lost
   */
  push(chunk: Buffer): void {
    if (this.at < this.chunk.length) throw new RangeError("the previous chunk was not read to its end");
    this.#before += this.chunk.length;
    this.chunk = chunk;
    this.at = 0;
    this.end = chunk.length;
  }

  /** Forgets the chunk, which has been read to its end: connections that wait for more would keep memory. */
  release(): void {
    this.#before += this.chunk.length;
    this.chunk = NOTHING;
    this.at = 0;
    this.end = 0;
  }

  /** Lets readers see no more than the next `length` bytes, until `unbound`. */
  bound(length: number): void {
    this.end = Math.min(this.chunk.length, this.at + length);
  }

  unbound(): void {
    this.end = this.chunk.length;
  }

  /** Moves past these bytes if they are next. @returns whether they are */
  skip(bytes: Buffer): boolean {
    const { chunk, at } = this;
    if (bytes.length > this.end - at) return false;
    for (let index = 0; index < bytes.length; index++) {
      if (chunk[at + index] !== bytes[index]) return false;
    }
    this.at += bytes.length;
    return true;
  }

  get drained(): boolean {
    return this.at === this.end;
  }

  /** Bytes of the stream before the current position. */
  get offset(): number {
    return this.#before + this.at;
  }
}
