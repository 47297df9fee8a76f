import type { Status } from "../protocol/response.ts";

/** A text of the server, and how often it came. */
export interface TextCount {
  readonly status: Status;
  /** Numbers between blanks are N: `ok 838640135 qp 1390` is `ok N qp N`. */
  readonly text: Buffer;
  readonly count: number;
}

/** Different texts to count; more are counted together. */
const MAX_TEXTS = 1_000;
/** Bytes of a text to compare. */
const MAX_LENGTH = 500;
const NUMBER = /(?<![^ ])\d+(?![^ ])/g;

/** Counts texts. Most servers number their responses, so that no two would be the same. */
export class Texts {
  readonly #counts = new Map<string, { readonly status: Status; readonly text: string; count: number }>();
  /** Texts beyond the limit. */
  #others = 0;

  add(status: Status, bytes: Buffer): void {
    const text = bytes.toString("latin1", 0, MAX_LENGTH).replace(NUMBER, "N");
    const key = status + text;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count++;
    else if (this.#counts.size < MAX_TEXTS) this.#counts.set(key, { status, text, count: 1 });
    else this.#others++;
  }

  /** The most frequent ones, and how many responses had others. */
  top(most: number): { readonly texts: TextCount[]; readonly others: number } {
    const sorted = [...this.#counts.values()].sort((one, other) => other.count - one.count);
    const rest = sorted.slice(most).reduce((sum, { count }) => sum + count, 0);
    const texts = sorted.slice(0, most).map((one) => ({ ...one, text: Buffer.from(one.text, "latin1") }));
    return { texts, others: rest + this.#others };
  }
}
