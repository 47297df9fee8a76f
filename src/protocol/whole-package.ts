import { ENCODING_BYTE } from "./package.ts";

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;

/** Packages and addresses that are longer are left to the reader. */
const MAX_DIGITS = 7;
const MAX_ADDRESS = 65_536;

/**
 * Passes over a package that is whole and in order without taking it apart, which takes a fraction of the time.
 * Anything else is left to `PackageReader`, which knows what is wrong.
 */
export class WholePackage {
  /** Of the package that was passed last: bytes of the message, without the one that names the encoding. */
  messageBytes = 0;
  recipients = 0;
  /** The length that `#length` read last. */
  #value = 0;

  /** @returns where the package ends, or -1 if it is not in the chunk as a whole, or not in order */
  pass(chunk: Buffer, at: number, end: number): number {
    const message = this.#length(chunk, at, end);
    const messageEnd = message + this.#value;
    if (message === -1 || messageEnd === message || messageEnd >= end) return -1;
    const encoding = chunk[message];
    if (encoding !== ENCODING_BYTE.unix && encoding !== ENCODING_BYTE.dos) return -1;
    if (chunk[messageEnd] !== COMMA) return -1;
    this.messageBytes = messageEnd - message - 1;
    const list = this.#netstring(chunk, messageEnd + 1, end);
    return list === -1 ? -1 : this.#list(chunk, list, end);
  }

  #list(chunk: Buffer, at: number, end: number): number {
    let next = this.#length(chunk, at, end);
    const listEnd = next + this.#value;
    if (next === -1 || listEnd === next || listEnd >= end || chunk[listEnd] !== COMMA) return -1;
    this.recipients = 0;
    while (next < listEnd) {
      next = this.#netstring(chunk, next, listEnd);
      if (next === -1) return -1;
      this.recipients++;
    }
    return listEnd + 1;
  }

  /** @returns where its comma ends, or -1 */
  #netstring(chunk: Buffer, at: number, end: number): number {
    const start = this.#length(chunk, at, end);
    const comma = start + this.#value;
    if (start === -1 || this.#value > MAX_ADDRESS || comma >= end || chunk[comma] !== COMMA) return -1;
    return comma + 1;
  }

  /** @returns where the colon ends, or -1 */
  #length(chunk: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + MAX_DIGITS + 1);
    let value = 0;
    for (let next = at; next < stop; next++) {
      const byte = chunk[next] as number;
      if (byte === COLON && next > at) {
        this.#value = value;
        return next + 1;
      }
      if (byte < ZERO || byte > NINE || (value === 0 && next > at)) return -1;
      value = value * 10 + byte - ZERO;
    }
    return -1;
  }
}
