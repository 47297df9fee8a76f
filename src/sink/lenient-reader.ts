import { ENCODING_BYTE } from "../protocol/package.ts";
import type { PackageEvent } from "../protocol/package-reader.ts";
import { ViolationError } from "../protocol/violation.ts";
import type { Kinds, Misbehaviour } from "./misbehaviour.ts";

const COLON = 0x3a;
const COMMA = 0x2c;
const MAX_DIGITS = 10;
/** Bytes of the longest package that is read leniently, which happens in memory. */
const MAX_PACKAGE = 64 * 1024 * 1024;

const LENIENT: readonly Misbehaviour[] = [
  "drop-second-package",
  "answer-early",
  "accept-leading-zero",
  "accept-empty-length",
  "accept-letter",
  "accept-any-digit",
  "accept-sign",
  "accept-blank",
  "accept-missing-comma",
  "accept-overrun",
  "accept-short-list",
  "accept-long-length",
  "accept-no-recipients",
  "wrap-32",
  "wrap-64",
];

/** Whether these faults need a `LenientReader`. */
export function isLenient(kinds: Kinds): boolean {
  return LENIENT.some((kind) => kinds.has(kind));
}

/** Thrown when more bytes are needed. */
const MORE = Symbol("more");

/** Reads packages as a server with these faults does. A package is parsed anew at each chunk until it is complete. */
export class LenientReader {
  readonly #kinds: Kinds;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes of packages before the current one. */
  #before = 0;
  #events: PackageEvent[] = [];
  /** Whether the last byte of a package that was answered early has not arrived yet. */
  #owed = false;

  constructor(kinds: Kinds) {
    this.#kinds = kinds;
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > MAX_PACKAGE) throw this.#violation("a package that is too long");
  }

  get begun(): boolean {
    return this.#bytes.length > 0;
  }

  /** Discards the rest of what was pushed. */
  drop(): void {
    this.#bytes = Buffer.alloc(0);
  }

  /** @throws {ViolationError} */
  next(): PackageEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined) return event;
    if (this.#owed && this.#bytes.length > 0) {
      this.#owed = false;
      this.#consume(1);
    }
    if (this.#bytes.length === 0) return undefined;
    try {
      this.#at = 0;
      this.#events = this.#package();
    } catch (error) {
      if (error === MORE) return undefined;
      throw error;
    }
    this.#consume(this.#at);
    return this.#events.shift();
  }

  #consume(count: number): void {
    this.#before += count;
    this.#bytes = this.#bytes.subarray(count);
  }

  #package(): PackageEvent[] {
    const length = this.#length();
    if (length === undefined) return this.#unread();
    const message = this.#take(length);
    this.#comma();
    const sender = this.#take(this.#length() ?? 0);
    this.#comma();
    const recipients = this.#recipients(this.#length() ?? 0);
    const encoding = message[0] === ENCODING_BYTE.dos ? "dos" : "unix";
    if (length > 0 && message[0] !== ENCODING_BYTE[encoding]) throw this.#violation("an unknown encoding");
    if (length === 0 && !this.#kinds.has("accept-empty-length")) throw this.#violation("no encoding");
    const none = recipients.length === 0;
    if (none && !this.#kinds.has("accept-no-recipients")) throw this.#violation("no recipients");
    return [
      { type: "message", encoding, length: Math.max(0, length - 1) },
      { type: "body", bytes: message.subarray(1) },
      { type: "sender", address: sender },
      ...(none ? [Buffer.alloc(0)] : recipients).map((address) => ({ type: "recipient", address }) as const),
      { type: "end" },
    ];
  }

  /** The events for a message that is accepted before it has arrived. */
  #unread(): PackageEvent[] {
    this.#at = this.#bytes.length;
    return [
      { type: "message", encoding: "unix", length: 0 },
      { type: "sender", address: Buffer.alloc(0) },
      { type: "recipient", address: Buffer.alloc(0) },
      { type: "end" },
    ];
  }

  #recipients(length: number): Buffer[] {
    const end = this.#at + length;
    const recipients: Buffer[] = [];
    while (this.#at < end) {
      const wanted = this.#length() ?? 0;
      const left = end - this.#at;
      if (wanted > left && this.#kinds.has("accept-short-list")) {
        recipients.push(this.#take(left));
        break;
      }
      if (wanted >= left && !this.#kinds.has("accept-overrun")) throw this.#violation("a recipient too long");
      recipients.push(this.#take(wanted));
      this.#comma();
    }
    if (this.#at === this.#bytes.length && this.#kinds.has("answer-early")) this.#owed = true;
    else this.#comma();
    return recipients;
  }

  /** Undefined for a length that is too long but accepted. */
  #length(): number | undefined {
    const colon = this.#bytes.indexOf(COLON, this.#at);
    const text = this.#bytes.toString("latin1", this.#at, colon === -1 ? this.#bytes.length : colon);
    const digits = this.#digitsOf(text);
    if (colon === -1) {
      // Throws if this cannot become a length.
      if (text.length > 0) this.#value(digits === "" ? "0" : digits);
      throw MORE;
    }
    this.#at = colon + 1;
    return this.#value(digits);
  }

  #digitsOf(text: string): string {
    let digits = text;
    if (this.#kinds.has("accept-blank")) digits = digits.replace(/^ +/, "");
    if (this.#kinds.has("accept-sign")) digits = digits.replace(/^[+-]/, "");
    if (this.#kinds.has("accept-letter")) digits = digits.replace(/[a-zA-Z]/g, "");
    if (/\D/.test(digits) && this.#kinds.has("accept-any-digit")) {
      const value = [...digits].reduce((sum, digit) => sum * 10 + digit.charCodeAt(0) - 0x30, 0);
      digits = value < 0 ? digits : String(value);
    }
    return digits;
  }

  #value(digits: string): number | undefined {
    if (digits === "" && this.#kinds.has("accept-empty-length")) return 0;
    if (!/^\d+$/.test(digits)) throw this.#violation("a length that is not a number");
    if (/^0\d/.test(digits) && !this.#kinds.has("accept-leading-zero"))
      throw this.#violation("a leading zero");
    if (digits.length <= MAX_DIGITS && !this.#kinds.has("wrap-32")) return Number(digits);
    if (this.#kinds.has("wrap-32")) return Number(BigInt.asUintN(32, BigInt(digits)));
    if (this.#kinds.has("wrap-64")) return Number(BigInt.asUintN(64, BigInt(digits)));
    if (this.#kinds.has("accept-long-length")) return undefined;
    throw this.#violation("a length that is too long");
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw MORE;
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #comma(): void {
    const byte = this.#take(1)[0];
    if (byte !== COMMA && !this.#kinds.has("accept-missing-comma")) throw this.#violation("no comma");
  }

  #violation(message: string): ViolationError {
    return new ViolationError("bad-length", message, this.#before + this.#at);
  }
}
