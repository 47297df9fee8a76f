import { Cursor } from "./cursor.ts";
import { LengthReader, MAX_LENGTH, NetstringReader, readComma } from "./netstring.ts";
import { ENCODING_BYTE, type Encoding } from "./package.ts";
import { ViolationError } from "./violation.ts";
import type { WholePackage } from "./whole-package.ts";

/** The parts of a package, in the order in which they arrive. */
export type PackageEvent =
  | { readonly type: "message"; readonly encoding: Encoding; readonly length: number }
  /** Part of the message; its bytes may share the chunk's memory. */
  | { readonly type: "body"; readonly bytes: Buffer }
  | { readonly type: "sender"; readonly address: Buffer }
  | { readonly type: "recipient"; readonly address: Buffer }
  | { readonly type: "end" };

/** Bytes of the longest address that is read. qmail refuses 1,000 or more; this only bounds memory. */
const MAX_ADDRESS = 65_536;

/** The part of a package that is read next. */
export type PackagePart = "length" | "encoding" | "body" | "comma" | "sender" | "list" | "recipients" | "end";

/** Reads packages, however the stream is chunked: `push` a chunk, then call `next` until it returns undefined. */
export class PackageReader {
  readonly #cursor = new Cursor();
  readonly #messageLength = new LengthReader("message", MAX_LENGTH);
  readonly #sender = new NetstringReader("sender", MAX_ADDRESS);
  readonly #listLength = new LengthReader("list of recipients", MAX_LENGTH);
  readonly #recipient = new NetstringReader("recipient", MAX_ADDRESS);
  #state: PackagePart = "length";
  /** Bytes of the message not read yet. */
  #rest = 0;
  /** Offsets at which the list of recipients begins, after its length, and ends. */
  #listStart = 0;
  #listEnd = 0;
  #start = 0;

  /** Adds bytes. Read all there is with `next` before the next chunk is pushed. */
  push(chunk: Buffer): void {
    this.#cursor.push(chunk);
  }

  /** Whether the stream is in the middle of a package. */
  get begun(): boolean {
    return this.#cursor.offset > this.#start;
  }

  /** Bytes received before the current position. */
  get offset(): number {
    return this.#cursor.offset;
  }

  /** What is read next, or could not be read. */
  get part(): PackagePart {
    return this.#state;
  }

  /** Bytes of the message, or of its netstring before its first byte was read, that are still to come. */
  get rest(): number {
    return this.#rest;
  }

  /** Where the list of recipients whose length was read last is. */
  get list(): { readonly start: number; readonly end: number } {
    return { start: this.#listStart, end: this.#listEnd };
  }

  /**
   * Passes over the next package, if it begins here and the pushed bytes hold all of it, in order. Then `next` gives
   * no events for it.
   */
  pass(whole: WholePackage): boolean {
    const cursor = this.#cursor;
    if (this.#state !== "length" || this.begun) return false;
    const end = whole.pass(cursor.chunk, cursor.at, cursor.end);
    if (end === -1) return false;
    cursor.at = end;
    this.#start = cursor.offset;
    return true;
  }

  /**
   * @returns what comes next, or undefined when more bytes are needed
   * @throws {ViolationError} if the bytes are not a package; nothing can be read after that
   */
  next(): PackageEvent | undefined {
    // Each step returns an event, moves to another state, or uses up the chunk.
    while (!this.#cursor.drained) {
      const event = this.#step();
      if (event !== undefined) return event;
    }
    this.#cursor.release();
    return undefined;
  }

  #step(): PackageEvent | undefined {
    switch (this.#state) {
      case "length":
        return this.#readLength();
      case "encoding":
        return this.#readEncoding();
      case "body":
        return this.#readBody();
      case "comma":
        if (readComma(this.#cursor, "message")) this.#state = "sender";
        return undefined;
      case "sender":
        return this.#readSender();
      case "list":
        return this.#readListLength();
      case "recipients":
        return this.#readRecipient();
      case "end":
        return this.#readEnd();
    }
  }

  #readLength(): undefined {
    const length = this.#messageLength.read(this.#cursor);
    if (length === undefined) return;
    this.#rest = length;
    this.#state = "encoding";
  }

  #readEncoding(): PackageEvent {
    const byte = this.#cursor.chunk[this.#cursor.at];
    const encoding = byte === ENCODING_BYTE.unix ? "unix" : byte === ENCODING_BYTE.dos ? "dos" : undefined;
    if (encoding === undefined || this.#rest === 0) {
      const text = "a message that begins with neither \\x0a nor \\x0d";
      throw new ViolationError("unknown-encoding", text, this.#cursor.offset);
    }
    this.#cursor.at++;
    this.#rest--;
    this.#state = this.#rest === 0 ? "comma" : "body";
    return { type: "message", encoding, length: this.#rest };
  }

  #readBody(): PackageEvent {
    const { chunk, at } = this.#cursor;
    const bytes = chunk.subarray(at, at + this.#rest);
    this.#cursor.at += bytes.length;
    this.#rest -= bytes.length;
    if (this.#rest === 0) this.#state = "comma";
    return { type: "body", bytes };
  }

  #readSender(): PackageEvent | undefined {
    const address = this.#sender.read(this.#cursor);
    if (address === undefined) return undefined;
    this.#state = "list";
    return { type: "sender", address };
  }

  #readListLength(): undefined {
    const length = this.#listLength.read(this.#cursor);
    if (length === undefined) return;
    if (length === 0) {
      throw new ViolationError("no-recipients", "a package without recipients", this.#cursor.offset - 1);
    }
    this.#listStart = this.#cursor.offset;
    this.#listEnd = this.#listStart + length;
    this.#state = "recipients";
  }

  #readRecipient(): PackageEvent | undefined {
    this.#cursor.bound(this.#listEnd - this.#cursor.offset);
    const address = this.#recipient.read(this.#cursor);
    this.#cursor.unbound();
    const atEnd = this.#cursor.offset === this.#listEnd;
    if (address === undefined && atEnd) {
      const text = "a recipient that reaches beyond the list of recipients";
      throw new ViolationError("recipients-overrun", text, this.#listEnd);
    }
    if (address === undefined) return undefined;
    if (atEnd) this.#state = "end";
    return { type: "recipient", address };
  }

  #readEnd(): PackageEvent | undefined {
    if (!readComma(this.#cursor, "list of recipients")) return undefined;
    this.#state = "length";
    this.#start = this.#cursor.offset;
    return { type: "end" };
  }
}
