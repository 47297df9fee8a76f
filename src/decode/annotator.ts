import type { Violation } from "../protocol/violation.ts";
import type { Place } from "./fits.ts";
import type { Search } from "./recovery.ts";

/** What a reader was doing when it came to a violation, or to the end of the stream. Offsets are in the stream. */
export interface State {
  /** What the protocol wants there, in words. */
  expected(byte: number, before: number | undefined): string;
  /** A guess from the offending byte and the one before it. */
  cause(byte: number, before: number | undefined): string | undefined;
  search(byte: number): Search;
  /** Where the damaged bytes begin: nothing is searched before. */
  readonly floor: number;
  /** A guess from where reading goes on: its offset and that of the end; `content` gives bytes of the stream. */
  causeAt(
    place: Place,
    at: number,
    end: number,
    content: (from: number, to: number) => Buffer | undefined,
  ): string | undefined;
}

/** Reads one direction, and says what is where. */
export interface Annotator {
  /**
   * Reads a chunk to its end.
   * @throws {ViolationError}
   */
  push(chunk: Buffer): void;
  /** Whether something has begun and not ended. */
  readonly begun: boolean;
  /** The offset in the stream of an offset of the reader's. */
  absolute(offset: number): number;
  /** The number of the package or response that is read, or was read last. */
  readonly number: number;
  state(violation: Violation): State;
  /** What the end of the stream cuts off, in words. */
  missing(): string;
}
