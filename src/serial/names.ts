const NUL = 0x00;
/** Longer than any path the system takes, in bytes: what has no end before this is no list of names. */
const MOST_NAME = 65_536;

/** Splits a stream of NUL-ended file names, however it is cut. */
export class NameReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next name that has arrived whole, a character for each byte, or undefined when more must be read. */
  next(): string | undefined {
    const end = this.#chunk.indexOf(NUL, this.#at);
    if (end === -1) return undefined;
    const name = this.#chunk.toString("latin1", this.#at, end);
    this.#at = end + 1;
    return name;
  }

  /**
   * Reads on.
   * @returns false at the end; what is there without a NUL is no name then
   * @throws {RangeError} for a name without an end; and what the stream throws
   */
  async more(): Promise<boolean> {
    const rest = this.#chunk.subarray(this.#at);
    if (rest.length > MOST_NAME) throw new RangeError(`a file name of more than ${MOST_NAME} bytes`);
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#chunk = Buffer.concat([rest, next.value]);
    this.#at = 0;
    return true;
  }
}
