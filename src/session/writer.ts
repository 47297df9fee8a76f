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

/** Packages in flight: a second's worth of small ones, yet few to hold and, if need be, to send again. */
const WINDOW_PACKAGES = 1_024;
/** Bytes in flight: what a broken session may have to send again. A larger package goes alone. */
const WINDOW_BYTES = 64 * 1024 * 1024;

export interface WriterEvents {
  /** Bytes about to be handed to the connection. */
  readonly sent?: ((part: "head" | "body" | "tail", bytes: Buffer) => void) | undefined;
  /** Bytes were handed to the connection. */
  readonly written: () => void;
  /** Bytes the connection has taken. */
  readonly taken: (bytes: number) => void;
}

/**
 * The write loop: it waits for the connection to drain, for room in the window and for the next package, and
 * for nothing else. `wake` it when room may have come about.
 */
export class Writer<P extends Package> {
  readonly #packages: PackageSource<P>;
  readonly #ledger: Ledger<P>;
  readonly #outbox: Outbox;
  readonly #events: WriterEvents;
  /** Taken from `#packages` and waiting for room in the window. */
  #upcoming: P | undefined;
  #stopped = false;
  #tellStopped = () => {};
  readonly #whenStopped = new Promise<void>((resolve) => {
    this.#tellStopped = resolve;
  });
  wake: () => void = () => {};

  constructor(connection: Duplex, packages: PackageSource<P>, ledger: Ledger<P>, events: WriterEvents) {
    this.#packages = packages;
    this.#ledger = ledger;
    this.#events = events;
    this.#outbox = new Outbox(connection, {
      written: (packages) => {
        ledger.written(packages);
        events.written();
      },
      sent: (packages) => ledger.sent(packages),
      taken: (bytes) => {
        events.taken(bytes);
        this.wake();
      },
    });
  }

  /**
   * Resolves when the last package was handed over, or after `stop`.
   * @throws what the source throws, or the message of a package; then bytes written may be part of a package
   */
  async run(): Promise<void> {
    try {
      for (;;) {
        const asked = this.#packages.next();
        const next = asked instanceof Promise ? await this.#waitFor(asked) : asked;
        if (next === undefined || next.done) return;
        this.#upcoming = next.value;
        const bytes = packageLength(next.value);
        if (!this.#hasRoomFor(bytes)) await this.#until(() => this.#hasRoomFor(bytes));
        if (this.#stopped) return;
        this.#begin(next.value, bytes);
        if (!this.#addWhole(next.value, bytes)) await this.#write(next.value);
        if (this.#stopped) return;
      }
    } finally {
      await this.#until(() => this.#outbox.empty);
    }
  }

  /** Nothing more is written; what waits goes on and ends. */
  stop(): void {
    this.#stopped = true;
    // Whatever was taken from the source is owed an answer.
    if (this.#upcoming !== undefined) this.#begin(this.#upcoming, 0);
    this.#tellStopped();
    this.wake();
  }

  #begin(pkg: P, bytes: number): void {
    this.#upcoming = undefined;
    this.#ledger.open(pkg, bytes);
  }

  #hasRoomFor(bytes: number): boolean {
    const { packages, bytes: inFlight, lastHasSeveralRecipients } = this.#ledger;
    if (packages === 0) return true;
    // There are servers that answer once per package. Were another package behind this one, its response
    // would be taken for that of this one's second recipient.
    if (lastHasSeveralRecipients) return false;
    return packages < WINDOW_PACKAGES && inFlight + bytes <= WINDOW_BYTES;
  }

  /** What was gathered goes out first. Undefined after `stop`. */
  #waitFor<T>(asked: Promise<T>): Promise<T | undefined> {
    this.#outbox.flush();
    return Promise.race([asked, this.#whenStopped.then(() => undefined)]);
  }

  /** Takes a small package at once and without a promise, if it can; a batch is made of such. */
  #addWhole(pkg: P, bytes: number): boolean {
    if (this.#events.sent !== undefined || !this.#outbox.hasRoomForPackage(bytes)) return false;
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
      // Before the next chunk is asked for: what it comes from may be closed once the writer has ended.
      if (this.#stopped) return;
    }
    for (const { piece, last } of encodeTail(sender, recipients)) {
      await this.#writePiece("tail", piece, last);
    }
  }

  async #writePiece(part: "head" | "body" | "tail", piece: Buffer, last = false): Promise<void> {
    if (!this.#outbox.hasRoomFor(piece)) await this.#until(() => this.#outbox.hasRoomFor(piece));
    if (this.#stopped) return;
    this.#events.sent?.(part, piece);
    if (last) this.#outbox.addLast(piece);
    else this.#outbox.add(piece);
  }

  async #writeBorrowed(chunk: Buffer): Promise<void> {
    if (!this.#outbox.hasRoomFor(chunk)) await this.#until(() => this.#outbox.hasRoomFor(chunk));
    if (this.#stopped) return;
    this.#events.sent?.("body", chunk);
    await Promise.race([this.#outbox.addBorrowed(chunk), this.#whenStopped]);
  }

  /** Resolves when the condition holds or the writer was stopped. */
  async #until(condition: () => boolean): Promise<void> {
    while (!this.#stopped && !condition()) {
      this.#outbox.flush();
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
