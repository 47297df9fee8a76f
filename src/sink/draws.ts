import { isOnConnection, isOnPackage, type Misbehaviour } from "./misbehaviour.ts";

/** Which faults clients get, and how often. */
export interface Misbehaving {
  readonly kinds: readonly Misbehaviour[];
  /** The chance of each fault. */
  readonly percent: number;
  readonly seed: number;
}

/** Spreads the seeds of clients that connect one after the other: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b9;

/**
 * Draws the faults that one client gets. They depend only on the seed and the client's number, not on what other
 * clients do meanwhile.
 */
export class Draws {
  readonly #onConnection: readonly Misbehaviour[];
  readonly #onPackage: readonly Misbehaviour[];
  readonly #percent: number;
  #state: number;

  /** @param client the client's number */
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

  /** Draws each separately. */
  #drawn(kinds: readonly Misbehaviour[]): ReadonlySet<Misbehaviour> {
    return new Set(kinds.filter(() => this.#next() * 100 < this.#percent));
  }

  /** A number from 0 to 1, by Mulberry32: Math.random() cannot be seeded. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
