import type { Encoding } from "../protocol/package.ts";

const CR = 0x0d;
const LF = 0x0a;

/*
 * Four bytes are looked at in one step, which is three times as fast as one by one: `word ^ pattern` has a
 * zero byte where the word has the byte sought, and `(x - 01..) & ~x & 80..` is zero unless x has a zero byte
 * ("Bit Twiddling Hacks", S. E. Anderson, "Determine if a word has a zero byte").
 */
const FOUR_CR = 0x0d0d0d0d;
const FOUR_LF = 0x0a0a0a0a;

function lacks(word: number, pattern: number): boolean {
  const x = word ^ pattern;
  return ((x - 0x01010101) & ~x & 0x80808080) === 0;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Counts, chunk by chunk, by how many bytes a `LineEndConverter` would change the length. */
export class LineEndCounter {
  readonly #encoding: Encoding;
  #previous = 0;
  /** Negative where bytes are removed. */
  change = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const pairs = countPairs(chunk, this.#previous);
    if (this.#encoding === "unix") this.change -= pairs;
    else this.change += countLineFeeds(chunk) - pairs;
    this.#previous = chunk[chunk.length - 1] as number;
  }
}

/** How often a line feed stands behind a carriage return. */
function countPairs(chunk: Buffer, previous: number): number {
  let pairs = previous === CR && chunk[0] === LF ? 1 : 0;
  // Most files hold no CR at all, and this is the fastest way to know.
  let at = chunk.indexOf(CR);
  if (at === -1) return pairs;
  const view = viewOf(chunk);
  const lastWord = chunk.length - 4;
  while (at <= lastWord) {
    if (lacks(view.getInt32(at, true), FOUR_CR)) {
      at += 4;
      continue;
    }
    for (const stop = at + 4; at < stop; at++) if (chunk[at] === CR && chunk[at + 1] === LF) pairs++;
  }
  for (; at < chunk.length; at++) if (chunk[at] === CR && chunk[at + 1] === LF) pairs++;
  return pairs;
}

function countLineFeeds(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) count++;
  return count;
}

/**
 * Makes the line ends of a message those of an encoding: CRLF becomes LF for `unix`, LF becomes CRLF for `dos`.
 * A CR without LF is data. What a call returns stands until the next call.
 */
export class LineEndConverter {
  readonly #encoding: Encoding;
  #output = Buffer.alloc(0);
  /** For `unix`: a CR that is held back until the next byte is known. For `dos`: whether the last byte was one. */
  #afterCR = false;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  convert(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    if (this.#encoding === "unix") {
      if (!this.#afterCR && !chunk.includes(CR)) return chunk;
      this.#reserve(chunk.length + 1);
      return this.#output.subarray(0, this.#removeCRs(chunk));
    }
    this.#reserve(chunk.length * 2);
    return this.#output.subarray(0, this.#addCRs(chunk));
  }

  /** What was held back, once nothing more will come. */
  end(): Buffer {
    const held = this.#encoding === "unix" && this.#afterCR;
    this.#afterCR = false;
    return held ? Buffer.of(CR) : Buffer.alloc(0);
  }

  #reserve(length: number): void {
    if (this.#output.length < length) this.#output = Buffer.allocUnsafeSlow(length);
  }

  #removeCRs(chunk: Buffer): number {
    const output = this.#output;
    let to = 0;
    if (this.#afterCR && chunk[0] !== LF) output[to++] = CR;
    this.#afterCR = chunk[chunk.length - 1] === CR;
    const end = this.#afterCR ? chunk.length - 1 : chunk.length;
    const source = viewOf(chunk);
    const target = viewOf(output);
    let at = 0;
    while (at <= end - 4) {
      const word = source.getInt32(at, true);
      if (lacks(word, FOUR_CR)) {
        target.setInt32(to, word, true);
        at += 4;
        to += 4;
        continue;
      }
      for (const stop = at + 4; at < stop; at++) {
        const byte = chunk[at] as number;
        if (byte !== CR || chunk[at + 1] !== LF) output[to++] = byte;
      }
    }
    for (; at < end; at++) {
      const byte = chunk[at] as number;
      if (byte !== CR || chunk[at + 1] !== LF) output[to++] = byte;
    }
    return to;
  }

  #addCRs(chunk: Buffer): number {
    const output = this.#output;
    const source = viewOf(chunk);
    const target = viewOf(output);
    let previous = this.#afterCR ? CR : 0;
    let to = 0;
    let at = 0;
    while (at < chunk.length) {
      if (at <= chunk.length - 4) {
        const word = source.getInt32(at, true);
        if (lacks(word, FOUR_LF)) {
          target.setInt32(to, word, true);
          at += 4;
          to += 4;
          previous = chunk[at - 1] as number;
          continue;
        }
      }
      const byte = chunk[at++] as number;
      if (byte === LF && previous !== CR) output[to++] = CR;
      output[to++] = byte;
      previous = byte;
    }
    this.#afterCR = previous === CR;
    return to;
  }
}
