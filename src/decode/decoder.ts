import { ViolationError } from "../protocol/violation.ts";
import type { Annotator } from "./annotator.ts";
import { FIRST_BYTES, foreignCause } from "./cause.ts";
import { FirstBytes } from "./direction.ts";
import type { Counts, DecodeEvent, Direction, Totals } from "./events.ts";
import { type Found, MORE } from "./fits.ts";
import { History } from "./history.ts";
import { PackageAnnotator } from "./package-annotator.ts";
import { PLACES } from "./recovery.ts";
import { ResponseAnnotator } from "./response-annotator.ts";
import { LAST_LOOK, Searching } from "./searching.ts";

export interface DecoderOptions {
  /** If undefined, the first bytes decide. */
  readonly direction?: Direction | undefined;
  /** Whether to report each part and response too, which takes longer, not only violations and totals. */
  readonly parts: boolean;
}

/** The most netstrings to examine while looking for places to go on: this number, and more for each byte read. */
const WORK = 1_048_576;
const WORK_PER_BYTE = 4;

const NOT_TO_END = "nowhere up to the end of the input is it certain that a netstring begins";
const NOT_IN_REACH = `nowhere in the next ${LAST_LOOK} bytes is it certain that a netstring begins`;

/** How many bytes before a violation are shown. */
const MAX_BEFORE = 16;

/**
 * Takes a stream apart, however it is chunked: `push` each chunk, then call `end`. After a violation, it goes on where
 * the next netstring can be found with certainty. It takes bounded memory, and time in proportion to the stream.
 */
export class Decoder {
  readonly #emit: (event: DecodeEvent) => void;
  readonly #options: DecoderOptions;
  readonly #history = new History();
  readonly #counts: Counts = {
    direction: null,
    bytes: 0,
    packages: 0,
    recipients: 0,
    messageBytes: 0,
    success: 0,
    deferral: 0,
    failure: 0,
    violations: 0,
  };
  readonly #first = new FirstBytes();
  #annotator: Annotator | undefined;
  #searching: Searching | undefined;
  /** Pushed bytes that have not been read yet, the last first. */
  readonly #pieces: Buffer[] = [];
  /** The offset of the next piece. */
  #at = 0;
  #stopped = false;
  /** Netstrings looked at in search of places to go on. */
  #spent = 0;

  constructor(emit: (event: DecodeEvent) => void, options: DecoderOptions) {
    this.#emit = emit;
    this.#options = options;
    this.#counts.direction = options.direction ?? null;
  }

  /** Whether nothing more is read. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get totals(): Totals {
    return { ...this.#counts };
  }

  push(chunk: Buffer): void {
    if (this.#stopped) return;
    this.#counts.bytes += chunk.length;
    this.#lead(chunk, false);
    this.#readPieces();
  }

  /** The stream ends here. */
  end(): void {
    this.#lead(Buffer.alloc(0), true);
    this.#readPieces();
    while (this.#searching !== undefined && !this.#stopped) {
      this.#conclude(this.#searching, true);
      this.#readPieces();
    }
    if (!this.#stopped && this.#annotator?.begun) this.#truncated(this.#annotator);
  }

  #lead(chunk: Buffer, ended: boolean): void {
    if (this.#annotator !== undefined) {
      if (chunk.length > 0) this.#pieces.push(chunk);
      return;
    }
    const first = this.#first.add(chunk, ended);
    if (first === undefined) return;
    this.#counts.direction = this.#options.direction ?? this.#first.direction;
    this.#annotator = this.#annotatorFor(undefined, 0);
    this.#pieces.push(first);
  }

  #annotatorFor(found: Found | undefined, number: number): Annotator {
    const emit = this.#options.parts ? this.#emit : undefined;
    if (this.#counts.direction === "packages") return new PackageAnnotator(emit, this.#counts, number, found);
    return new ResponseAnnotator(emit, this.#counts, number, this.#at);
  }

  #readPieces(): void {
    for (let piece = this.#pieces.pop(); piece !== undefined && !this.#stopped; piece = this.#pieces.pop()) {
      if (this.#searching === undefined) this.#read(piece);
      else this.#gather(this.#searching, piece);
    }
  }

  #read(piece: Buffer): void {
    const annotator = this.#annotator as Annotator;
    try {
      annotator.push(piece);
    } catch (error) {
      if (!(error instanceof ViolationError)) throw error;
      this.#violated(annotator, error, piece);
      return;
    }
    this.#pass(piece);
  }

  #pass(bytes: Buffer): void {
    this.#history.add(bytes);
    this.#at += bytes.length;
  }

  #violated(annotator: Annotator, error: ViolationError, piece: Buffer): void {
    const offset = annotator.absolute(error.offset);
    const state = annotator.state(error);
    const [before, after] = this.#history.around(
      offset - this.#at,
      Math.max(MAX_BEFORE, offset - state.floor),
      piece,
    );
    const byte = after[0] as number;
    this.#counts.violations++;
    this.#emit({
      type: "violation",
      offset,
      code: error.code,
      message: error.message,
      expected: state.expected(byte, before.at(-1)),
      before: before.subarray(-MAX_BEFORE),
      // What follows a list may not have come yet.
      found: error.code === "recipients-overrun" ? Buffer.alloc(0) : after.subarray(0, 1),
      cause:
        (offset < FIRST_BYTES ? foreignCause(this.#first.bytes) : undefined) ??
        state.cause(byte, before.at(-1)),
    });
    const search = state.search(byte);
    if (search.kind === "certain") this.#skipTo(search, offset, piece);
    else {
      this.#searching = new Searching(offset, state, search, before);
      this.#pieces.push(after);
    }
  }

  /** The netstring was in order, but not what is in it: what follows is read. */
  #skipTo({ place, from }: { place: Found["place"]; from: number }, offset: number, piece: Buffer): void {
    this.#recovered({ place, at: from, end: from }, offset, undefined);
    const rest = from - this.#at;
    this.#pass(piece.subarray(0, rest));
    this.#annotator = this.#annotatorFor(undefined, this.#annotator?.number ?? 0);
    if (rest < piece.length) this.#pieces.push(piece.subarray(rest));
  }

  #gather(searching: Searching, piece: Buffer): void {
    const rest = searching.add(piece);
    if (rest.length > 0) this.#pieces.push(rest);
    if (searching.isFull) this.#conclude(searching, false);
  }

  #conclude(searching: Searching, ended: boolean): void {
    const budget = WORK + WORK_PER_BYTE * this.#at - this.#spent;
    const { found, spent } = searching.find(ended, budget);
    this.#spent += spent;
    if (found === MORE) return;
    this.#searching = undefined;
    if (found === undefined) {
      this.#stop(spent >= budget ? "too much is damaged" : ended ? NOT_TO_END : NOT_IN_REACH, searching);
      return;
    }
    this.#recovered(found, searching.offset, searching.causeAt(found));
    // Its comma belongs to the damaged response.
    const at = found.place === "end" ? found.at + 1 : found.at;
    const [before, after] = searching.split(at);
    this.#history.clear();
    this.#history.add(before);
    this.#at = at;
    this.#annotator = this.#annotatorFor(found, this.#annotator?.number ?? 0);
    if (after.length > 0) this.#pieces.push(after);
  }

  #recovered({ place, at }: Found, offset: number, cause: string | undefined): void {
    this.#emit({ type: "recovery", offset: at, skipped: at - offset, at: PLACES[place], cause });
  }

  #stop(reason: string, { offset }: Searching): void {
    this.#stopped = true;
    this.#pieces.length = 0;
    this.#emit({ type: "stop", offset, reason });
  }

  #truncated(annotator: Annotator): void {
    const { last } = this.#history;
    this.#counts.violations++;
    this.#emit({
      type: "violation",
      offset: this.#at,
      code: "truncated",
      message: `the input ends in the middle of a ${this.#counts.direction === "responses" ? "response" : "package"}`,
      expected: annotator.missing(),
      before: last.subarray(-MAX_BEFORE),
      found: Buffer.alloc(0),
      cause: this.#at <= FIRST_BYTES ? foreignCause(this.#first.bytes) : undefined,
    });
  }
}
