import type { Kinds, Misbehaviour } from "./misbehaviour.ts";

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const QUOTE = 0x3e;
const FROM = Buffer.from("From ");
/** The longest line of SMTP. */
const MAX_LINE = 998;

const CORRUPTIONS: readonly Misbehaviour[] = [
  "add-line-end",
  "strip-high-bit",
  "strip-nul",
  "strip-cr",
  "fold-lines",
  "strip-dot",
  "quote-from",
];

/** Changes a message before it is stored, as a server must not. Line ends are LF. */
export class Corruption {
  readonly #kinds: Kinds;
  #column = 0;
  /** Bytes of `From ` that have been read and not written yet. */
  #held = 0;
  #last = LF;

  private constructor(kinds: Kinds) {
    this.#kinds = kinds;
  }

  /** Undefined if messages are stored unchanged. */
  static by(kinds: Kinds): Corruption | undefined {
    return CORRUPTIONS.some((kind) => kinds.has(kind)) ? new Corruption(kinds) : undefined;
  }

  async *apply(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of chunks) {
      const out: number[] = [];
      for (const byte of chunk) this.#take(byte, out);
      yield Buffer.from(out);
    }
    yield this.#end();
  }

  #end(): Buffer {
    const out: number[] = [];
    this.#release(out, false);
    if (this.#kinds.has("add-line-end") && this.#last !== LF) out.push(LF);
    return Buffer.from(out);
  }

  #take(given: number, out: number[]): void {
    const kinds = this.#kinds;
    const byte = kinds.has("strip-high-bit") ? given & 0x7f : given;
    if (byte === 0 && kinds.has("strip-nul")) return;
    if (byte === CR && kinds.has("strip-cr")) return;
    if (byte === DOT && this.#column === 0 && kinds.has("strip-dot")) {
      this.#column = 1;
      return;
    }
    if (kinds.has("quote-from") && this.#column === this.#held && byte === FROM[this.#held]) {
      this.#held++;
      this.#column++;
      if (this.#held === FROM.length) this.#release(out, true);
      return;
    }
    this.#release(out, false);
    this.#put(byte, out);
  }

  #release(out: number[], quoted: boolean): void {
    if (quoted) out.push(QUOTE);
    out.push(...FROM.subarray(0, this.#held));
    if (this.#held > 0) this.#last = FROM[this.#held - 1] as number;
    this.#held = 0;
  }

  #put(byte: number, out: number[]): void {
    if (this.#column >= MAX_LINE && byte !== LF && this.#kinds.has("fold-lines")) {
      out.push(LF);
      this.#column = 0;
    }
    out.push(byte);
    this.#last = byte;
    this.#column = byte === LF ? 0 : this.#column + 1;
  }
}
