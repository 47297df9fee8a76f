import { Duplex, type Readable, type Writable } from "node:stream";
import { GRACE_MS } from "./keep-reading.ts";

export interface PairEvents {
  /** Called when the readable has ended; resolves to an error if it ended too early. */
  readonly atEnd?: () => Promise<Error | null>;
  /** Replaces an error by a clearer one. */
  readonly explain?: (error: Error) => Error;
  /** Called when both streams are destroyed. */
  readonly onDestroyed?: () => void;
}

/**
 * A readable and a writable stream as one connection. A write completes when the writable has taken it. Data that
 * the other side has sent is still delivered after a write error.
 */
export class Pair extends Duplex {
  readonly #reading: Readable;
  readonly #writing: Writable;
  readonly #events: PairEvents;
  #ended = false;
  /** After a failed write: stops waiting for the end of input. */
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
    reading.on("error", (error) => this.destroy(this.#explain(error)));
    // The failed write's callback reports it. Without a pending write, the other side has closed, and reading shows that.
    writing.on("error", () => {});
    reading.pause();
  }

  override _read(): void {
    this.#reading.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writing.write(chunk, (error) => {
      if (error) this.#afterEnd(() => done(this.#explain(error)));
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

  #explain(error: Error): Error {
    return this.#events.explain?.(error) ?? error;
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
