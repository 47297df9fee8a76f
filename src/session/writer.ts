import type { Duplex } from "node:stream";
import type { Ledger } from "../protocol/ledger.ts";
import {
  encodeHead,
  encodePackage,
  encodeTail,
  type Package,
  type PackageSource,
  packageLength,
} from "../protocol/package.ts";
import { Outbox } from "./outbox.ts";
import type { Window } from "./window.ts";

/** After this many small packages, the reader, timers and signals get a turn. */
const TURN = 128;

/** What is in flight, and what may be. */
export interface Flight<P extends Package> {
  readonly ledger: Ledger<P>;
  readonly window: Window<P>;
}

export interface WriterEvents {
  /** Called with bytes before they go to the connection. */
  readonly sending?: ((part: "head" | "body" | "tail", bytes: Buffer) => void) | undefined;
  /** Called when bytes were handed to the connection. */
  readonly written: () => void;
  /** Called with the number of bytes that the connection took in this write. */
  readonly taken: (bytes: number) => void;
}

/**
 * The write loop. It waits only for the connection to drain, for room in the window and for the next package. Call
 * `wake` when there may be room again.
 */
export class Writer<P extends Package> {
  readonly #packages: PackageSource<P>;
  readonly #ledger: Ledger<P>;
  readonly #window: Window<P>;
  /** Gathers bytes, writes them to the connection, and reports when they were written and flushed. */
  readonly #outbox: Outbox;
  readonly #events: WriterEvents;
  /** Taken from `#packages` and waiting for room in the window. */
  #upcoming: P | undefined;
  /** Small packages added since the event loop had a turn. */
  #inTurn = 0;
  #noMore = false;
  #stopped = false;
  /** Ends a wait for the source or for a borrowed piece. */
  #endWait = () => {};
  wake: () => void = () => {};

  constructor(
    connection: Duplex,
    packages: PackageSource<P>,
    { ledger, window }: Flight<P>,
    events: WriterEvents,
  ) {
    this.#packages = packages;
    this.#ledger = ledger;
    this.#window = window;
    this.#events = events;
    this.#outbox = new Outbox(connection, {
      written: (packages) => {
        ledger.markWritten(packages);
        window.onWritten(packages);
        events.written();
      },
      sent: (packages) => ledger.markSent(packages),
      taken: (bytes) => {
        events.taken(bytes);
        this.wake();
      },
    });
  }

  /**
   * Resolves when the last package, or the last before `takeNoMore`, was handed to the connection; or after `stop`.
   * @throws what the source or a package's message throws; the last package may then be partly written
   */
  async run(): Promise<void> {
    try {
      while (!this.#noMore) {
        if (this.#window.leavesToOthers) {
          await this.#flushUntil(() => !this.#window.leavesToOthers);
          if (this.#stopped || this.#noMore) return;
        }
        const result = this.#packages.next();
        const next = result instanceof Promise ? await this.#waitFor(result) : result;
        if (next === undefined || next.done) return;
        this.#upcoming = next.value;
        const bytes = packageLength(next.value);
        if (!this.#window.hasRoomFor(bytes)) await this.#flushUntil(() => this.#window.hasRoomFor(bytes));
        if (this.#stopped) return;
        this.#begin(next.value, bytes);
        if (!this.#addWhole(next.value, bytes)) await this.#write(next.value);
        else if (++this.#inTurn === TURN) await this.#yieldTurn();
        if (this.#stopped) return;
      }
    } finally {
      await this.#flushUntil(() => this.#outbox.empty);
    }
  }

  /** Finishes the current package, and ends `run`. */
  takeNoMore(): void {
    this.#noMore = true;
  }

  /** Writes nothing more, and ends `run`. */
  stop(): void {
    this.#stopped = true;
    // Every package taken from the source must be settled.
    if (this.#upcoming !== undefined) this.#begin(this.#upcoming, 0);
    this.#endWait();
    this.wake();
  }

  #begin(pkg: P, bytes: number): void {
    this.#upcoming = undefined;
    this.#ledger.open(pkg, bytes);
  }

  /** Flushes, then waits. @returns undefined after `stop` */
  #waitFor<T>(result: Promise<T>): Promise<T | undefined> {
    this.#outbox.flush();
    return this.#orStopped(result);
  }

  /**
   * The result, or undefined after `stop`. A race against one promise for the whole session would keep memory for each
   * package until the session ends.
   */
  #orStopped<T>(result: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve(undefined);
      if (this.#stopped) this.#endWait();
      result.then(resolve, reject);
    });
  }

  /** Responses that have come make room in the window before it is full: neither side waits for the other. */
  async #yieldTurn(): Promise<void> {
    this.#inTurn = 0;
    await new Promise(setImmediate);
  }

  /** Adds a small package synchronously if possible: the fast path of batches. @returns whether it did */
  #addWhole(pkg: P, bytes: number): boolean {
    if (this.#events.sending !== undefined || !this.#outbox.hasRoomForPackage(bytes)) return false;
    const chunks = pkg.message.chunks();
    if (!(Symbol.iterator in chunks)) return false;
    this.#outbox.addPackage(bytes, (block, at) => encodePackage(pkg, chunks, block, at));
    return true;
  }

  async #write({ sender, recipients, message }: P): Promise<void> {
    await this.#writePiece("head", encodeHead(message));
    const chunks = message.chunks();
    for await (const chunk of chunks) {
      await this.#writeBorrowed(chunk);
      // Checked before the next chunk is read: once the writer has ended, the source may be closed.
      if (this.#stopped) return;
    }
    for (const { piece, last } of encodeTail(sender, recipients)) {
      await this.#writePiece("tail", piece, last);
    }
  }

  async #writePiece(part: "head" | "body" | "tail", piece: Buffer, last = false): Promise<void> {
    if (!this.#outbox.hasRoomFor(piece)) await this.#flushUntil(() => this.#outbox.hasRoomFor(piece));
    if (this.#stopped) return;
    this.#events.sending?.(part, piece);
    if (last) this.#outbox.addLast(piece);
    else this.#outbox.add(piece);
  }

  async #writeBorrowed(chunk: Buffer): Promise<void> {
    if (!this.#outbox.hasRoomFor(chunk)) await this.#flushUntil(() => this.#outbox.hasRoomFor(chunk));
    if (this.#stopped) return;
    this.#events.sending?.("body", chunk);
    await this.#orStopped(this.#outbox.addBorrowed(chunk));
  }

  /** Flushes; resolves when the condition is true or the writer was stopped. */
  async #flushUntil(condition: () => boolean): Promise<void> {
    while (!this.#stopped && !condition()) {
      this.#outbox.flush();
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
