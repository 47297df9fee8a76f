import { netstring, wirePackage } from "../support/wire.ts";

/** Numbers that a seed determines (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, but not including, this. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const TEXTS = [
  "",
  "hi\n",
  "a\r\nb\r\n",
  "3:a@x,",
  ",,",
  "4:\nhi\n,3:a@x,6:3:b@y,,",
  "x".repeat(40),
  "0",
  "\n",
];
const ADDRESSES = ["", "a@x", "someone@example.org", ",", "1:", "3:b@y,"];
/** Bytes that mean something somewhere. */
const BYTES = Buffer.from("0123456789:,,,\n\r KZD-\0\xff", "latin1");

function packages(random: Random): Buffer {
  const count = 1 + random.below(3);
  const list = Array.from({ length: count }, () =>
    wirePackage({
      message: random.one(TEXTS),
      sender: random.one(ADDRESSES),
      recipients: Array.from({ length: 1 + random.below(3) }, () => random.one(ADDRESSES)),
      encoding: random.one(["\n", "\r"] as const),
    }),
  );
  return Buffer.concat(list);
}

function responses(random: Random): Buffer {
  const count = 1 + random.below(5);
  const texts = Array.from({ length: count }, () =>
    netstring(`${random.one(["K", "Z", "D"])}${random.one(TEXTS)}`),
  );
  return Buffer.concat(texts);
}

/** A byte changed, put in, taken out or doubled, or a piece moved or cut off. */
function mutated(stream: Buffer, random: Random): Buffer {
  const at = random.below(stream.length + 1);
  const [before, after] = [stream.subarray(0, at), stream.subarray(at)];
  const byte = Buffer.of(random.one([...BYTES]));
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([before, byte, after.subarray(1)]);
    case 1:
      return Buffer.concat([before, byte, after]);
    case 2:
      return Buffer.concat([before, after.subarray(1)]);
    case 3:
      return Buffer.concat([before, stream.subarray(random.below(stream.length + 1))]);
    case 4:
      return before;
    default:
      return Buffer.concat([
        before,
        Buffer.from(Array.from({ length: 5 }, () => random.one([...BYTES]))),
        after,
      ]);
  }
}

/** A stream that is nearly in order, or quite. */
export function mutatedStream(random: Random, direction: "packages" | "responses"): Buffer {
  let stream = direction === "packages" ? packages(random) : responses(random);
  for (let times = random.below(3); times > 0; times--) stream = mutated(stream, random);
  return stream;
}

/** The stream in pieces, some of them empty or single bytes. */
export function cut(stream: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = random.one([0, 1, 1, 2, 7, random.below(stream.length)]);
    pieces.push(stream.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
