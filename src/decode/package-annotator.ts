import { type PackageEvent, type PackagePart, PackageReader } from "../protocol/package-reader.ts";
import type { Violation } from "../protocol/violation.ts";
import { WholePackage } from "../protocol/whole-package.ts";
import type { Annotator, State } from "./annotator.ts";
import type { Counts, PartEvent } from "./events.ts";
import type { Found, Place } from "./fits.ts";
import { PackageState } from "./package-state.ts";

/** How much of a message is kept to be shown, in bytes. */
const MAX_START = 32;

/** What there is before a place in the middle of a package, so that a fresh reader can go on there. */
function prefixFor({ place, at, end }: Found): string {
  switch (place) {
    case "comma":
      return "1:\n";
    case "sender":
      return "1:\n,0:";
    case "recipient":
      return `1:\n,0:,${2 + end - at}:0:`;
    case "recipients":
      return `1:\n,0:,${end - at}:`;
    case "list":
      return "1:\n,0:,3:0:,";
    case "package":
    case "end":
    case "response":
      return "";
  }
}

/** How many events of the reader these are, with that of the damaged netstring. */
const HIDDEN: Readonly<Partial<Record<Place, number>>> = {
  comma: 1,
  sender: 2,
  recipient: 3,
  recipients: 2,
  list: 3,
};

/** Reads packages, and says what is where. */
export class PackageAnnotator implements Annotator {
  readonly #reader = new PackageReader();
  /** Undefined if only the totals are wanted. */
  readonly #emit: ((event: PartEvent) => void) | undefined;
  readonly #counts: Counts;
  readonly #whole = new WholePackage();
  /** The stream's offset of the reader's first byte. */
  readonly #shift: number;
  readonly #place: Place;
  /** Events that are not to be emitted: those of the prefix, and that of the damaged netstring. */
  #hidden: number;
  /** Where the package begins; undefined if that was not read. */
  #start: number | undefined;
  #number: number;
  /** Where the part that is read next begins. */
  #next: number;
  #length = 0;
  /** The first bytes of the message, and how many are there. */
  readonly #shown = Buffer.alloc(MAX_START);
  #shownLength = 0;
  #pending: "body" | "list" | undefined;
  #recipients = 0;

  /** @param found where to go on in the stream, after a violation */
  constructor(emit: ((event: PartEvent) => void) | undefined, counts: Counts, number: number, found?: Found) {
    this.#emit = emit;
    this.#counts = counts;
    this.#number = number;
    const prefix = Buffer.from(found === undefined ? "" : prefixFor(found), "latin1");
    const at = found?.at ?? 0;
    this.#place = found?.place ?? "package";
    this.#shift = at - prefix.length;
    this.#next = this.#place === "comma" ? at + 1 : at;
    this.#start = prefix.length === 0 ? at : undefined;
    this.#hidden = HIDDEN[this.#place] ?? 0;
    this.push(prefix);
  }

  /** The number of the package that is read, or was read last; one whose message does not begin well counts. */
  get number(): number {
    return this.#number + (this.#reader.part === "encoding" ? 1 : 0);
  }

  get begun(): boolean {
    return this.#reader.begun;
  }

  absolute(offset: number): number {
    return offset + this.#shift;
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
    try {
      this.#pass();
      for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
        this.#announce();
        this.#take(event);
        if (event.type === "end") this.#pass();
      }
    } finally {
      this.#announce();
    }
  }

  /** Only counts whole packages, if nothing else is wanted. */
  #pass(): void {
    if (this.#emit !== undefined || this.#hidden > 0) return;
    const whole = this.#whole;
    const counts = this.#counts;
    while (this.#reader.pass(whole)) {
      this.#number++;
      counts.packages++;
      counts.recipients += whole.recipients;
      counts.messageBytes += whole.messageBytes;
    }
    if (!this.#reader.begun) this.#start = this.#next = this.absolute(this.#reader.offset);
  }

  /** Emits what the reader has no event for. */
  #announce(): void {
    if (this.#pending === undefined) return;
    const { part } = this.#reader;
    if (this.#pending === "body" && part !== "body" && part !== "comma") {
      this.#pending = undefined;
      const length = this.#length;
      const offset = this.#next;
      this.#next = offset + length + 1;
      this.#emit?.({
        type: "body",
        offset,
        package: this.#number,
        length,
        start: this.#shown.subarray(0, this.#shownLength),
      });
    } else if (this.#pending === "list" && (part === "recipients" || part === "end")) {
      this.#pending = undefined;
      const { start, end } = this.#reader.list;
      const offset = this.#next;
      this.#next = this.absolute(start);
      this.#emit?.({ type: "list", offset, package: this.#number, length: end - start });
    }
  }

  #take(event: PackageEvent): void {
    if (this.#hidden > 0) {
      this.#hide(event);
      return;
    }
    const offset = this.#next;
    switch (event.type) {
      case "message":
        this.#number++;
        this.#start ??= offset;
        this.#next = this.absolute(this.#reader.offset);
        this.#length = event.length;
        this.#shownLength = 0;
        this.#pending = "body";
        this.#emit?.({
          type: "message",
          offset,
          package: this.#number,
          encoding: event.encoding,
          length: event.length,
        });
        return;
      case "body":
        if (this.#emit === undefined) return;
        this.#show(event.bytes);
        this.#emit({ type: "data", bytes: event.bytes });
        return;
      case "sender":
        this.#next = this.absolute(this.#reader.offset);
        this.#pending = "list";
        this.#emit?.({ type: "sender", offset, package: this.#number, address: event.address });
        return;
      case "recipient":
        this.#next = this.absolute(this.#reader.offset);
        this.#recipients++;
        this.#emit?.({ type: "recipient", offset, package: this.#number, address: event.address });
        return;
      case "end":
        this.#end(offset);
    }
  }

  #hide({ type }: PackageEvent): void {
    this.#hidden--;
    this.#next = Math.max(this.#next, this.absolute(this.#reader.offset));
    if (type === "sender" && this.#place === "sender") this.#pending = "list";
  }

  #show(bytes: Buffer): void {
    if (this.#shownLength < MAX_START) this.#shownLength += bytes.copy(this.#shown, this.#shownLength);
  }

  #end(offset: number): void {
    const end = this.absolute(this.#reader.offset);
    const length = this.#start === undefined ? undefined : end - this.#start;
    if (length !== undefined) {
      this.#counts.packages++;
      this.#counts.recipients += this.#recipients;
      this.#counts.messageBytes += this.#length;
    }
    this.#emit?.({ type: "end", offset, package: this.#number, length, recipients: this.#recipients });
    this.#start = this.#next = end;
    this.#recipients = 0;
  }

  state({ code, offset }: Violation): State {
    return new PackageState(code, this.absolute(offset), this.#reader, this.#next, this.#length, this.#shift);
  }

  missing(): string {
    const { part, rest } = this.#reader;
    return MISSING[part] ?? `${rest} more bytes of the message, and what comes after it`;
  }
}

const MISSING: Readonly<Partial<Record<PackagePart, string>>> = {
  length: "the rest of the length of a message",
  encoding: "a message",
  comma: "',' after the message",
  sender: "the rest of the sender",
  list: "the rest of the length of the list of recipients",
  recipients: "the rest of the list of recipients",
  end: "',' after the list of recipients",
};
