import { netstringLength } from "../protocol/netstring.ts";
import { ResponseReader } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Annotator, State } from "./annotator.ts";
import { byteCause, expectedLength, lengthDifference } from "./cause.ts";
import type { Counts, PartEvent } from "./events.ts";
import { contentLength } from "./package-state.ts";

/** Reads responses, and says what is where. */
export class ResponseAnnotator implements Annotator {
  readonly #reader = new ResponseReader();
  /** Undefined if only the totals are wanted. */
  readonly #emit: ((event: PartEvent) => void) | undefined;
  readonly #counts: Counts;
  /** The stream's offset of the reader's first byte. */
  readonly #shift: number;
  /** Where the response that is read begins. */
  #next: number;
  number: number;

  /** @param at where to begin in the stream */
  constructor(emit: ((event: PartEvent) => void) | undefined, counts: Counts, number: number, at: number) {
    this.#emit = emit;
    this.#counts = counts;
    this.number = number;
    this.#shift = at;
    this.#next = at;
  }

  get begun(): boolean {
    return this.#reader.begun;
  }

  absolute(offset: number): number {
    return offset + this.#shift;
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
    for (let response = this.#reader.next(); response !== undefined; response = this.#reader.next()) {
      const offset = this.#next;
      this.#next = offset + netstringLength(response.text.length + 1);
      this.#counts[response.status]++;
      this.number++;
      this.#emit?.({ type: "response", offset, number: this.number, ...response });
    }
  }

  state({ code, offset }: Violation): State {
    const at = this.absolute(offset);
    const declared = contentLength(at - this.#next);
    const isText = code === "empty-response" || code === "unknown-status";
    return {
      expected: (byte, before) => {
        if (code === "bad-length") return expectedLength("response", byte, before);
        return EXPECTED[code] ?? `',' after the ${declared} bytes of the response`;
      },
      cause: (byte, before) => {
        if (isText) return byteCause("responses", "text", byte, before);
        return code === "bad-length" ? byteCause("responses", "length", byte, before) : undefined;
      },
      search: () => {
        // The netstring itself was in order.
        if (isText) return { kind: "certain", place: "response", from: this.absolute(this.#reader.offset) };
        return code === "missing-comma"
          ? { kind: "around", place: "end", from: at }
          : { kind: "forward", place: "response" };
      },
      floor: code === "missing-comma" ? this.#next : at,
      causeAt: (place, end) =>
        place === "end" ? lengthDifference(declared, end - at, false, undefined) : undefined,
    };
  }

  missing(): string {
    return "the rest of a response";
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  "length-over-cap": "a shorter response",
  "empty-response": "K, Z or D",
  "unknown-status": "K, Z or D",
};
