const LF = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Longer netstrings are cut into lines of this many bytes: no response that is read is as long. */
const MAX_LINE = 65_536;

/**
 * Cuts a stream into lines for people: each netstring is one. It checks nothing that the session checks. From the first
 * byte that cannot belong to a netstring, a line is what ends with a line feed or arrived together.
 */
export class NetstringLines {
  /** Of the line that has not ended. */
  #pieces: Buffer[] = [];
  #length = 0;
  /** The length that is being read; undefined before its first digit. */
  #declared: number | undefined;
  /** Bytes until the end of the netstring, comma included; undefined while its length is being read. */
  #wanted: number | undefined;
  #lost = false;

  /** Whether a line has begun and not ended. */
  get begun(): boolean {
    return this.#length > 0;
  }

  /** @returns the lines that end here */
  *split(bytes: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < bytes.length; ) {
      const end = this.#lost ? lineEnd(bytes, at) : this.#advance(bytes, at);
      this.#pieces.push(bytes.subarray(at, end));
      this.#length += end - at;
      at = end;
      if (this.#lost ? at === bytes.length || bytes[at - 1] === LF : this.#wanted === 0) yield this.#take();
      else if (this.#length >= MAX_LINE) yield this.#take();
    }
  }

  /** What has arrived of a line that has not ended. */
  flush(): Buffer[] {
    return this.begun ? [this.#take()] : [];
  }

  /** Another stream begins. */
  reset(): void {
    this.#pieces = [];
    this.#length = 0;
    this.#declared = this.#wanted = undefined;
    this.#lost = false;
  }

  /** Reads on in a netstring. @returns where it stopped: at the end of a step, or of the bytes */
  #advance(bytes: Buffer, start: number): number {
    if (this.#wanted === 0) this.#wanted = undefined;
    if (this.#wanted === undefined) return this.#advanceLength(bytes, start);
    const room = Math.max(MAX_LINE - this.#length, 1);
    const end = Math.min(bytes.length, start + Math.min(this.#wanted, room));
    this.#wanted -= end - start;
    if (this.#wanted === 0 && bytes[end - 1] !== COMMA) this.#lost = true;
    return end;
  }

  #advanceLength(bytes: Buffer, start: number): number {
    const byte = bytes[start] as number;
    if (byte >= ZERO && byte <= NINE) {
      this.#declared = (this.#declared ?? 0) * 10 + byte - ZERO;
    } else if (byte === COLON && this.#declared !== undefined) {
      this.#wanted = this.#declared + 1;
      this.#declared = undefined;
    } else {
      this.#lost = true;
      return lineEnd(bytes, start);
    }
    return start + 1;
  }

  #take(): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    const line = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}

function lineEnd(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(LF, start);
  return end === -1 ? bytes.length : end + 1;
}
