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
/** Longer than what is looked at first after a violation, than what is kept before one, and than an address can be. */
const LONG = ["y,".repeat(3_000), "line\r\n".repeat(20_000), "3:b@y,".repeat(11_000), "z".repeat(66_000)];
/** Bytes that mean something somewhere. */
const BYTES = Buffer.from("0123456789:,,,\n\r KZD-\0\xff", "latin1");

function packages(random: Random, texts: readonly string[]): Buffer {
  const count = 1 + random.below(3);
  const list = Array.from({ length: count }, () =>
    wirePackage({
      message: random.one(texts),
      sender: random.below(20) === 0 ? random.one(texts) : random.one(ADDRESSES),
      recipients: Array.from({ length: 1 + random.below(3) }, () => random.one(ADDRESSES)),
      encoding: random.one(["\n", "\r"] as const),
    }),
  );
  return Buffer.concat(list);
}

function responses(random: Random, texts: readonly string[]): Buffer {
  const count = 1 + random.below(5);
  const response = () => netstring(`${random.one(["K", "Z", "D"])}${random.one(texts)}`);
  return Buffer.concat(Array.from({ length: count }, response));
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
export function mutatedStream(random: Random, direction: "packages" | "responses", isLong = false): Buffer {
  const texts = isLong ? [...TEXTS, ...LONG] : TEXTS;
  let stream = direction === "packages" ? packages(random, texts) : responses(random, texts);
  for (let times = random.below(3); times > 0; times--) stream = mutated(stream, random);
  return stream;
}

/** The stream in pieces, some of them empty or single bytes. */
export function cut(stream: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const few = [0, 1, 1, 2, 7];
    const length = random.one([...few, random.below(stream.length), Math.floor(stream.length / 9)]);
    pieces.push(stream.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
