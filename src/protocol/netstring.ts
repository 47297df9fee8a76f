import type { Cursor } from "./cursor.ts";
import { ViolationError } from "./violation.ts";

const COLON = 0x3a;
export const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;

/** Ten digits reach 9.3 GiB, which a JavaScript number can represent exactly. */
const MAX_DIGITS = 10;
/** Bytes of the longest netstring that `MAX_DIGITS` can declare. */
export const MAX_LENGTH = 10 ** MAX_DIGITS - 1;

/** `[len]:[bytes],` (qmtp.txt, section 6). */
export function encodeNetstring(bytes: Uint8Array): Buffer {
  const head = encodeLength(bytes.length);
  const encoded = Buffer.allocUnsafe(head.length + bytes.length + 1);
  head.copy(encoded);
  encoded.set(bytes, head.length);
  encoded[encoded.length - 1] = COMMA;
  return encoded;
}

/** `[len]:`, for a netstring whose content is sent separately. */
export function encodeLength(length: number): Buffer {
  return Buffer.from(`${length}:`, "latin1");
}

/**
 * Writes `[len]:` into a block that has room for it.
 * @returns where it ends
 */
export function writeLength(block: Buffer, start: number, length: number): number {
  const colon = start + digitsOf(length);
  let at = colon;
  let rest = length;
  do {
    block[--at] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  } while (rest > 0);
  block[colon] = COLON;
  return colon + 1;
}

/**
 * Writes a netstring into a block that has room for it.
 * @returns where it ends
 */
export function writeNetstring(block: Buffer, start: number, bytes: Uint8Array): number {
  let at = writeLength(block, start, bytes.length);
  // Byte by byte: for an address, a native call would cost more.
  for (let index = 0; index < bytes.length; index++) block[at++] = bytes[index] as number;
  block[at] = COMMA;
  return at + 1;
}

/** Bytes that a netstring of `length` bytes takes on the wire. */
export function netstringLength(length: number): number {
  return digitsOf(length) + 1 + length + 1;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function digitsOf(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}

/** Reads `[len]:` digit by digit, so that a bad length is rejected before it is used. */
export class LengthReader {
  readonly #what: string;
  readonly #max: number;
  #value = 0;
  #digits = 0;

  /**
   * @param what the netstring's content for error messages: "response", "sender"
   * @param max the greatest length allowed
   */
  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = Math.min(max, MAX_LENGTH);
  }

  /**
   * Continues reading.
   * @returns the length once its colon has been read, or undefined when more bytes are needed
   * @throws {ViolationError} bad-length, length-over-cap
   */
  read(cursor: Cursor): number | undefined {
    while (!cursor.drained) {
      const byte = cursor.chunk[cursor.at] as number;
      if (byte === COLON && this.#digits > 0) {
        cursor.at++;
        const length = this.#value;
        this.#value = this.#digits = 0;
        return length;
      }
      this.#add(byte, cursor.offset);
      cursor.at++;
    }
    return undefined;
  }

  #add(byte: number, offset: number): void {
    if (byte < ZERO || byte > NINE) {
      const where = this.#digits === 0 ? "at the start of" : "in";
      throw new ViolationError("bad-length", `no digit ${where} the length of a ${this.#what}`, offset);
    }
    if (this.#digits > 0 && this.#value === 0) {
      throw new ViolationError("bad-length", `leading zero in the length of a ${this.#what}`, offset);
    }
    const digit = byte - ZERO;
    // Compared before the digit is added: whatever the peer declares, nothing overflows and nothing is allocated.
    if (this.#value > (this.#max - digit) / 10) {
      const text = `the length of a ${this.#what} is over the maximum of ${this.#max} bytes`;
      throw new ViolationError("length-over-cap", text, offset);
    }
    this.#value = this.#value * 10 + digit;
    this.#digits++;
  }
}

/**
 * Reads the comma that ends a netstring.
 * @returns false when it has not arrived yet
 * @throws {ViolationError} missing-comma
 */
export function readComma(cursor: Cursor, what: string): boolean {
  if (cursor.drained) return false;
  if (cursor.chunk[cursor.at] !== COMMA) {
    throw new ViolationError("missing-comma", `no comma at the end of a ${what}`, cursor.offset);
  }
  cursor.at++;
  return true;
}

/** Reads a sequence of netstrings of bounded length, however the stream is chunked. */
export class NetstringReader {
  readonly #what: string;
  readonly #length: LengthReader;
  /** Length of the current netstring, or undefined until it has been read. */
  #wanted: number | undefined;
  /** Content from earlier chunks. Allocated only once a permitted length has been read. */
  #gathered: Buffer | undefined;
  #have = 0;
  #content: Buffer | undefined;
  #begun = false;

  constructor(what: string, max: number) {
    this.#what = what;
    this.#length = new LengthReader(what, max);
  }

  /** Whether the stream is in the middle of a netstring. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Continues reading.
   * @returns the next netstring's content, which may share the chunk's memory; or undefined when the chunk is used up
   *   and more bytes are needed
   * @throws {ViolationError} bad-length, length-over-cap, missing-comma
   */
  read(cursor: Cursor): Buffer | undefined {
    if (cursor.drained) return undefined;
    this.#begun = true;
    this.#wanted ??= this.#length.read(cursor);
    if (this.#wanted === undefined) return undefined;
    this.#content ??= this.#take(cursor, this.#wanted);
    if (this.#content === undefined) return undefined;
    if (!readComma(cursor, this.#what)) {
      // The next chunk may take this one's memory.
      this.#content = Buffer.from(this.#content);
      return undefined;
    }
    const content = this.#content;
    this.#wanted = this.#content = undefined;
    this.#begun = false;
    return content;
  }

  #take(cursor: Cursor, wanted: number): Buffer | undefined {
    const end = Math.min(cursor.end, cursor.at + wanted - this.#have);
    const part = cursor.chunk.subarray(cursor.at, end);
    cursor.at = end;
    if (part.length === wanted) return part;
    if (part.length === 0) return undefined;
    this.#gathered ??= Buffer.allocUnsafe(wanted);
    this.#gathered.set(part, this.#have);
    this.#have += part.length;
    if (this.#have < wanted) return undefined;
    const content = this.#gathered;
    this.#gathered = undefined;
    this.#have = 0;
    return content;
  }
}
