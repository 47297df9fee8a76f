import { isOnConnection, isOnPackage, type Misbehaviour } from "./misbehaviour.ts";

/** Which misbehaviours clients meet, and how often. */
export interface Misbehaving {
  readonly kinds: readonly Misbehaviour[];
  /** The chance of each. */
  readonly percent: number;
  readonly seed: number;
}

/** Spreads the seeds of clients that connect one after the other: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b9;

/**
 * What one client meets by chance. It depends on the seed and on the client's number alone: not on what other
 * clients do meanwhile.
 */
export class Draws {
  readonly #onConnection: readonly Misbehaviour[];
  readonly #onPackage: readonly Misbehaviour[];
  readonly #percent: number;
  #state: number;

  /** @param client its number */
  constructor({ kinds, percent, seed }: Misbehaving, client: number) {
    this.#onConnection = kinds.filter(isOnConnection);
    this.#onPackage = kinds.filter(isOnPackage);
    this.#percent = percent;
    this.#state = (seed + Math.imul(client, SPREAD)) >>> 0;
  }

  forConnection(): ReadonlySet<Misbehaviour> {
    return this.#drawn(this.#onConnection);
  }

  /** For the next package. */
  forPackage(): ReadonlySet<Misbehaviour> {
    return this.#drawn(this.#onPackage);
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => Math.floor(this.#next() * 256)));
  }

  /** Each is drawn on its own. */
  #drawn(kinds: readonly Misbehaviour[]): ReadonlySet<Misbehaviour> {
    return new Set(kinds.filter(() => this.#next() * 100 < this.#percent));
  }

  /** From 0 to 1, by Mulberry32: Math.random() takes no seed. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
