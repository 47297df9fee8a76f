import { Duplex, type Readable, type Writable } from "node:stream";
import { GRACE_MS } from "./attentive.ts";

export interface PairEvents {
  /** Asked at the end of what is read: an error, where the end is one. */
  readonly atEnd?: () => Promise<Error | null>;
  /** An error in words that say more. */
  readonly inWords?: (error: Error) => Error;
  /** The connection is over, on both sides. */
  readonly onDestroyed?: () => void;
}

/**
 * Something to read from and something to write to as one connection. Each write counts as taken when it was
 * taken there; one that fails does not take along what the other side has said.
 */
export class Pair extends Duplex {
  readonly #reading: Readable;
  readonly #writing: Writable;
  readonly #events: PairEvents;
  #ended = false;
  /** Waits for the end of reading after a failed write. */
  #whenEnded = () => {};

  constructor(reading: Readable, writing: Writable, events: PairEvents = {}) {
    super({ allowHalfOpen: true });
    this.#reading = reading;
    this.#writing = writing;
    this.#events = events;
    reading.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) reading.pause();
    });
    reading.on("end", () => this.#end());
    reading.on("error", (error) => this.destroy(this.#inWords(error)));
    // A failed write is told of where it was made; one that closes in between was the other side's doing.
    writing.on("error", () => {});
    reading.pause();
  }

  override _read(): void {
    this.#reading.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writing.write(chunk, (error) => {
      if (error) this.#afterEnd(() => done(this.#inWords(error)));
      else done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#writing.destroyed) done();
    else this.#writing.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#whenEnded();
    this.#reading.destroy();
    this.#writing.destroy();
    this.#events.onDestroyed?.();
    done(error);
  }

  #inWords(error: Error): Error {
    return this.#events.inWords?.(error) ?? error;
  }

  async #end(): Promise<void> {
    const error = (await this.#events.atEnd?.()) ?? null;
    if (this.destroyed) return;
    this.#ended = true;
    if (error === null) this.push(null);
    else this.destroy(error);
    this.#whenEnded();
  }

  #afterEnd(then: () => void): void {
    if (this.#ended || this.destroyed) {
      then();
      return;
    }
    const timer = setTimeout(() => this.#whenEnded(), GRACE_MS);
    this.#whenEnded = () => {
      clearTimeout(timer);
      this.#whenEnded = () => {};
      then();
    };
    this.#reading.resume();
  }
}
