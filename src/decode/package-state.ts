import { COMMA, netstringLength } from "../protocol/netstring.ts";
import type { PackagePart, PackageReader } from "../protocol/package-reader.ts";
import type { State } from "./annotator.ts";
import { byteCause, expectedLength, lengthDifference } from "./cause.ts";
import type { Place } from "./fits.ts";
import type { Search } from "./recovery.ts";

const NAMES: Readonly<Partial<Record<PackagePart, string>>> = {
  length: "message",
  sender: "sender",
  list: "list of recipients",
  recipients: "recipient",
};

/** Bytes in a netstring that takes these bytes up to its comma. */
export function contentLength(taken: number): number {
  let length = Math.max(0, taken - 2);
  while (length > 0 && netstringLength(length) - 1 > taken) length--;
  return length;
}

/** What a reader of packages was doing when it came to a violation. */
export class PackageState implements State {
  readonly #code: string;
  readonly #part: PackagePart;
  /** Where the violation is. */
  readonly #at: number;
  /** Where the damaged netstring begins. */
  readonly #start: number;
  /** Bytes that the length of the damaged netstring, or of the list, declares. */
  readonly #declared: number;
  readonly #list: { readonly start: number; readonly end: number };

  /**
   * @param at the violation's offset in the stream
   * @param next where the part that is read begins
   * @param shift the stream's offset of the reader's first byte
   */
  constructor(code: string, at: number, reader: PackageReader, next: number, length: number, shift: number) {
    this.#code = code;
    this.#part = reader.part;
    this.#at = at;
    this.#start = next;
    const { start, end } = reader.list;
    this.#list = { start: start + shift, end: end + shift };
    this.#declared = this.#declaredBy(reader.rest, length);
  }

  #declaredBy(rest: number, length: number): number {
    switch (this.#part) {
      case "encoding":
        return rest;
      case "comma":
        return length + 1;
      case "sender":
      case "recipients":
        return contentLength(this.#at - this.#start);
      default:
        return this.#list.end - this.#list.start;
    }
  }

  expected(byte: number, before: number | undefined): string {
    switch (this.#code) {
      case "unknown-encoding":
        return "\\x0a or \\x0d, which names the encoding of a message";
      case "no-recipients":
        return "a list of at least one recipient";
      case "recipients-overrun":
        return `the end of a recipient, as the ${this.#list.end - this.#list.start} bytes of the list end here`;
      case "missing-comma":
        return this.#expectedComma;
      case "length-over-cap":
        return `a shorter ${NAMES[this.#part]}`;
      default:
        return expectedLength(NAMES[this.#part] ?? "", byte, before);
    }
  }

  get #expectedComma(): string {
    const [what = "list of recipients"] = [this.#part === "comma" ? "message" : NAMES[this.#part]];
    return `',' after the ${this.#declared} bytes of the ${what}`;
  }

  cause(byte: number, before: number | undefined): string | undefined {
    const hasLength = this.#code === "bad-length" || this.#code === "unknown-encoding";
    return hasLength ? byteCause("packages", this.#part, byte, before) : undefined;
  }

  search(byte: number): Search {
    const at = this.#at;
    const missingComma = this.#code === "missing-comma";
    switch (this.#part) {
      case "encoding":
        return this.#declared === 0
          ? { kind: "there", place: "comma", from: at }
          : { kind: "around", place: "comma", from: at + this.#declared };
      case "comma":
        return { kind: "around", place: "comma", from: at };
      case "sender":
        return missingComma
          ? { kind: "around", place: "sender", from: at }
          : { kind: "forward", place: "sender" };
      case "list":
        return this.#code === "no-recipients"
          ? { kind: "there", place: "list", from: at + 1 }
          : { kind: "forward", place: "recipient" };
      case "recipients":
        if (missingComma) return { kind: "around", place: "recipient", from: at };
        if (this.#code === "recipients-overrun")
          return { kind: "there", place: "recipients", from: this.#start };
        return byte === COMMA
          ? { kind: "there", place: "list", from: at }
          : { kind: "forward", place: "recipient" };
      case "end":
        return { kind: "there", place: "recipients", from: at };
      default:
        return { kind: "forward", place: "package" };
    }
  }

  get floor(): number {
    // With the byte that names the encoding.
    if (this.#part === "comma") return this.#start - 1;
    const fromStart = this.#code === "missing-comma" || this.#code === "recipients-overrun";
    return fromStart ? Math.min(this.#start, this.#at) : this.#at;
  }

  causeAt(
    place: Place,
    at: number,
    end: number,
    content: (from: number, to: number) => Buffer | undefined,
  ): string | undefined {
    const isList = place === "recipients" || place === "list";
    if (isList && this.#part !== "list") {
      const length = (place === "list" ? at : end) - this.#list.start;
      return `the list's length says ${this.#list.end - this.#list.start}, its recipients take ${length} bytes`;
    }
    if (this.#code !== "missing-comma" || place === "package" || isList) return undefined;
    const isMessage = this.#part === "comma";
    const message = isMessage ? content(this.#start - 1, at) : undefined;
    return lengthDifference(this.#declared, at - this.#at, isMessage, message);
  }
}
