import type { State } from "./annotator.ts";
import { Fits, type Found, MORE } from "./fits.ts";
import { findPlace, type Look } from "./recovery.ts";

/** How much is looked at after a violation, in bytes: little first, so that many violations take little time. */
const FIRST_LOOK = 4_096;
export const LAST_LOOK = 1_048_576;
const GROWTH = 4;

/** The bytes around a violation, gathered until they show where reading can go on. Offsets are in the stream. */
export class Searching {
  readonly offset: number;
  readonly #state: State;
  readonly #search: Look;
  readonly #start: number;
  #bytes: Buffer;
  #length = 0;
  #look = FIRST_LOOK;

  /**
   * @param offset where the violation is
   * @param before the bytes before it, as many as may be needed
   */
  constructor(offset: number, state: State, search: Look, before: Buffer) {
    this.offset = offset;
    this.#state = state;
    this.#search = search;
    this.#start = offset - before.length;
    this.#bytes = Buffer.allocUnsafeSlow(before.length + FIRST_LOOK);
    this.#length = before.copy(this.#bytes);
  }

  /** Takes what is needed of these bytes. @returns the rest */
  add(bytes: Buffer): Buffer {
    const taken = bytes.copy(this.#bytes, this.#length);
    this.#length += taken;
    return bytes.subarray(taken);
  }

  get isFull(): boolean {
    return this.#length === this.#bytes.length;
  }

  /**
   * Looks for a place to go on, if enough bytes are there.
   * @param ended whether the stream has no more
   * @param budget how many netstrings may be looked at
   * @returns the place, MORE after making room for more bytes, or undefined if it cannot be found
   */
  find(ended: boolean, budget: number): { readonly found: Found | typeof MORE | undefined; spent: number } {
    const fits = new Fits(this.#gathered, ended, budget);
    const relative = { ...this.#search, from: this.#from - this.#start };
    const floor = Math.max(0, this.#state.floor - this.#start);
    const found = findPlace(fits, this.#gathered, { at: this.offset - this.#start, floor, search: relative });
    const spent = budget - fits.budget;
    if (found !== undefined && found.end !== MORE) return { found: this.#absolute(found), spent };
    return { found: !ended && spent < budget && this.#grow() ? MORE : undefined, spent };
  }

  /** A guess from the place. */
  causeAt({ place, at, end }: Found): string | undefined {
    const content = (from: number, to: number) =>
      from < this.#start ? undefined : this.#gathered.subarray(from - this.#start, to - this.#start);
    return this.#state.causeAt(place, at, end, content);
  }

  /** The gathered bytes before and after an offset. */
  split(at: number): readonly [Buffer, Buffer] {
    const relative = at - this.#start;
    return [this.#gathered.subarray(0, relative), this.#gathered.subarray(relative)];
  }

  get #gathered(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get #from(): number {
    return "from" in this.#search ? this.#search.from : this.offset;
  }

  #absolute({ place, at, end }: Found): Found {
    return { place, at: at + this.#start, end: end + this.#start };
  }

  #grow(): boolean {
    if (this.#look >= LAST_LOOK) return false;
    this.#look *= GROWTH;
    const bytes = Buffer.allocUnsafeSlow(this.offset - this.#start + this.#look);
    this.#gathered.copy(bytes);
    this.#bytes = bytes;
    return true;
  }
}
