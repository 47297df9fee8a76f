const LF = 0x0a;
const CR = 0x0d;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

/** K, Z and D. */
export const STATUSES = [0x4b, 0x5a, 0x44];

/** As the readers have them. */
const MAX_DIGITS = 10;
const MAX_ADDRESS = 65_536;

/** Instead of an offset: the bytes do not fit, or there are too few of them to say. */
export const NO = -1;
export const MORE = -2;

/**
 * What can begin at a place: a whole package or response, or the rest of one from a comma on; `recipients` are those
 * of a list of unknown length.
 */
export type Place = "package" | "comma" | "sender" | "recipient" | "recipients" | "list" | "end" | "response";

/** Where reading can go on. */
export interface Found {
  readonly place: Place;
  readonly at: number;
  /** Where the list of recipients ends, for `recipient` and `recipients`; else where the package does. */
  readonly end: number;
}

/**
 * Tells whether a package, or the rest of one, can begin at a place in a window of the stream. All of it must be in
 * order. If it is only the rest, another package must begin after it, or the stream end.
 */
export class Fits {
  readonly #bytes: Buffer;
  /** Whether the stream ends with the window. */
  readonly ended: boolean;
  /** Netstrings that may still be looked at. */
  #budget: number;

  constructor(bytes: Buffer, ended: boolean, budget: number) {
    this.#bytes = bytes;
    this.ended = ended;
    this.#budget = budget;
  }

  get budget(): number {
    return this.#budget;
  }

  /** @returns where it ends, NO or MORE */
  at(place: Place, at: number): number {
    this.#budget--;
    switch (place) {
      case "package":
        return this.#package(at);
      case "comma":
        return this.#ended(this.#after(at, (next) => this.#envelope(next)));
      case "sender":
        return this.#ended(this.#after(at, (next) => this.#list(next)));
      case "recipient":
        return this.#after(at, (next) => this.#recipients(next));
      case "recipients":
        return this.#recipients(at);
      case "list":
        return this.#ended(this.#after(at, (next) => next));
      case "end":
        return this.#after(at, (next) => this.#end(next, ...STATUSES));
      case "response":
        return this.#response(at);
    }
  }

  #package(at: number): number {
    const start = this.#length(at);
    return this.#then(start, (encoding) => {
      const byte = this.#bytes[encoding];
      if (byte === undefined) return this.#short();
      const length = this.#value(at, encoding);
      if (length === 0 || (byte !== LF && byte !== CR)) return NO;
      return this.#after(encoding + length, (next) => this.#envelope(next));
    });
  }

  #envelope(at: number): number {
    return this.#then(this.#netstring(at), (next) => this.#list(next));
  }

  /** @returns where the package ends, if it does for certain */
  #ended(at: number): number {
    return this.#then(at, (end) => this.#end(end, LF, CR));
  }

  /** Any bytes as a text, but a status. A line break may follow: some servers send one after each response. */
  #response(at: number): number {
    return this.#then(this.#netstring(at), (end) =>
      STATUSES.includes(this.#bytes[this.#length(at)] ?? -1) ? this.#responseEnd(end) : NO,
    );
  }

  #responseEnd(end: number): number {
    const byte = this.#bytes[end];
    return byte === LF || byte === CR ? end : this.#end(end, ...STATUSES);
  }

  #list(at: number): number {
    return this.#then(this.#length(at), (start) => {
      const end = start + this.#value(at, start);
      if (end === start) return NO;
      let next = start;
      while (next >= 0 && next < end) next = this.#netstring(next);
      return this.#then(next, () => (next === end ? this.#after(end, (after) => after) : NO));
    });
  }

  /** Recipients of a list of unknown length. @returns where the list ends */
  #recipients(at: number): number {
    let next = at;
    while (next >= 0 && this.#bytes[next] !== COMMA) next = this.#netstring(next);
    return this.#then(next, () => this.#then(this.at("list", next), () => next));
  }

  #after(at: number, then: (next: number) => number): number {
    if (at >= this.#bytes.length) return this.#short();
    return this.#bytes[at] === COMMA ? then(at + 1) : NO;
  }

  #then(at: number, then: (at: number) => number): number {
    return at < 0 ? at : then(at);
  }

  #short(): number {
    return this.ended ? NO : MORE;
  }

  /** The end of a package or response: the stream ends, or another begins with one of these bytes. */
  #end(at: number, ...first: readonly number[]): number {
    if (at === this.#bytes.length && this.ended) return at;
    return this.#then(this.#length(at), (start) => {
      const byte = this.#bytes[start];
      if (byte === undefined) return this.#short();
      return first.includes(byte) ? at : NO;
    });
  }

  /** @returns where its comma ends */
  #netstring(at: number): number {
    if (--this.#budget < 0) return NO;
    return this.#then(this.#length(at), (start) => {
      const length = this.#value(at, start);
      if (length > MAX_ADDRESS) return NO;
      return this.#after(start + length, (next) => next);
    });
  }

  /** @returns where the colon ends */
  #length(at: number): number {
    const bytes = this.#bytes;
    for (let digits = 0; digits <= MAX_DIGITS; digits++) {
      const byte = bytes[at + digits];
      if (byte === undefined) return this.#short();
      if (byte === COLON) return digits === 0 ? NO : at + digits + 1;
      if (byte < ZERO || byte > NINE || (digits > 0 && bytes[at] === ZERO)) return NO;
    }
    return NO;
  }

  #value(from: number, end: number): number {
    let value = 0;
    for (let at = from; at < end - 1; at++) value = value * 10 + (this.#bytes[at] as number) - ZERO;
    return value;
  }
}
