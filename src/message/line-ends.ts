import type { Encoding } from "../protocol/package.ts";

const CR = 0x0d;
const LF = 0x0a;

/*
 * `indexOf` finds line ends, and `copyWithin` moves the bytes between them. Both are native loops, so JavaScript runs
 * once per line. For lines of typical mail, a loop over bytes in JavaScript is slower.
 */

/** Counts by how many bytes a `LineEndConverter` would change the message's length. */
export class LineEndCounter {
  readonly #encoding: Encoding;
  #afterCR = false;
  /** Negative if bytes are removed. */
  change = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#encoding === "dos") this.change += countBareLFs(chunk, this.#afterCR);
    else this.change -= countCRLFs(chunk, this.#afterCR);
    this.#afterCR = chunk[chunk.length - 1] === CR;
  }
}

function countCRLFs(chunk: Buffer, afterCR: boolean): number {
  let count = afterCR && chunk[0] === LF ? 1 : 0;
  for (let at = chunk.indexOf(CR); at !== -1; at = chunk.indexOf(CR, at + 1))
    if (chunk[at + 1] === LF) count++;
  return count;
}

function countBareLFs(chunk: Buffer, afterCR: boolean): number {
  let count = afterCR && chunk[0] === LF ? -1 : 0;
  for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1))
    if (chunk[at - 1] !== CR) count++;
  return count;
}

/**
 * Converts line ends: CRLF becomes LF for `unix`, LF becomes CRLF for `dos`. A CR without LF is data. The bytes that a
 * call returns are valid until the next call, and may be the chunk itself, changed in place.
 */
export class LineEndConverter {
  readonly #encoding: Encoding;
  #output = Buffer.alloc(0);
  /** The last byte was a CR. For `unix`, it is kept back until the next byte shows what it is. */
  #afterCR = false;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  convert(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    return this.#encoding === "unix" ? this.#removeCRs(chunk) : this.#addCRs(chunk);
  }

  /** Call at the end of the message: returns a CR that was kept back. */
  end(): Buffer {
    const pending = this.#encoding === "unix" && this.#afterCR;
    this.#afterCR = false;
    return pending ? Buffer.of(CR) : Buffer.alloc(0);
  }

  #removeCRs(chunk: Buffer): Buffer {
    // A CR that was kept back and turns out to be data comes first, which needs a larger buffer.
    const bytes = this.#afterCR && chunk[0] !== LF ? this.#withCR(chunk) : chunk;
    this.#afterCR = bytes[bytes.length - 1] === CR;
    const end = this.#afterCR ? bytes.length - 1 : bytes.length;
    let [from, to] = [0, 0];
    for (let at = bytes.indexOf(CR); at !== -1; at = bytes.indexOf(CR, at + 1)) {
      if (bytes[at + 1] !== LF) continue;
      if (to !== from) bytes.copyWithin(to, from, at);
      to += at - from;
      from = at + 1;
    }
    if (to !== from) bytes.copyWithin(to, from, end);
    return bytes.subarray(0, to + end - from);
  }

  #withCR(chunk: Buffer): Buffer {
    const bytes = this.#reserve(chunk.length + 1);
    bytes[0] = CR;
    bytes.set(chunk, 1);
    return bytes;
  }

  #addCRs(chunk: Buffer): Buffer {
    const added = countBareLFs(chunk, this.#afterCR);
    const endsInCR = chunk[chunk.length - 1] === CR;
    let bytes = chunk;
    if (added > 0) {
      // Copied to the end of a buffer with room for the added bytes, so that all moves are toward its start.
      bytes = this.#reserve(chunk.length + added);
      bytes.set(chunk, added);
      let [from, to] = [added, 0];
      for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
        if (at === added ? this.#afterCR : bytes[at - 1] === CR) continue;
        bytes.copyWithin(to, from, at);
        to += at - from;
        bytes[to++] = CR;
        from = at;
      }
      bytes.copyWithin(to, from);
    }
    this.#afterCR = endsInCR;
    return bytes;
  }

  #reserve(length: number): Buffer {
    if (this.#output.length < length) this.#output = Buffer.allocUnsafeSlow(length);
    return this.#output.subarray(0, length);
  }
}

/** Converts complete lines in one call; they may be changed in place. */
export function convertWhole(lines: Buffer, encoding: Encoding): Buffer {
  const converter = new LineEndConverter(encoding);
  return Buffer.concat([converter.convert(lines), converter.end()]);
}
