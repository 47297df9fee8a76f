import type { Duplex } from "node:stream";

/** Small pieces are gathered up to this many bytes: one system call for many, and little to hold. */
const BLOCK = 65_536;
/** From this many bytes on, copying a piece costs more than a write of its own. */
const LARGE = 16_384;

export interface OutboxEvents {
  /** The final byte of a package is about to be handed to the connection. */
  whole(): void;
  /** The connection has taken, or may have taken, the final bytes of so many packages since the start. */
  sent(packages: number): void;
  /** The connection has taken so many bytes more. */
  taken(bytes: number): void;
}

/**
 * The writing side of a connection: gathers small pieces, hands over large ones, heeds back pressure.
 *
 * A package goes out with its final byte if the connection is idle; while it is busy, packages are gathered.
 * So it is known to the byte which packages were sent whole, except where a write of several is torn: then
 * all but the last of them may have been.
 */
export class Outbox {
  readonly #connection: Duplex;
  readonly #events: OutboxEvents;
  /** Packages whose final byte was added, since the start. */
  #packages = 0;
  #block: Buffer | undefined;
  #filled = 0;
  /** A block that the connection is done with: most sessions never need a second one. */
  #spare: Buffer | undefined;

  constructor(connection: Duplex, events: OutboxEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  /** Whether to wait before adding more, until the connection has taken something. */
  get full(): boolean {
    return this.#connection.writableNeedDrain || (this.#filled >= LARGE && !this.#idle);
  }

  get empty(): boolean {
    return this.#filled === 0;
  }

  /** Adds a piece that stays as it is; a small one is copied. */
  add(piece: Buffer): void {
    if (piece.length >= LARGE) {
      this.#handOver();
      this.#write(piece, undefined);
      return;
    }
    if (this.#filled + piece.length > BLOCK) this.#handOver();
    this.#block ??= this.#takeSpare();
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
  }

  /** Adds the piece that ends a package. */
  addLast(piece: Buffer): void {
    // What was added before goes first, so that the package counts with the very write of its final byte.
    if (this.#filled + piece.length > BLOCK) this.#handOver();
    this.#packages++;
    this.#events.whole();
    this.add(piece);
    this.flush();
  }

  /** Adds a piece that its owner will overwrite, and resolves when it may. */
  async addBorrowed(piece: Buffer): Promise<void> {
    if (piece.length < LARGE) {
      this.add(piece);
      return;
    }
    this.#handOver();
    const taken = new Promise<void>((resolve) => this.#write(piece, resolve));
    // A write that is taken at once would leave no turn to the reader, to timers and to signals.
    if (this.#idle) await new Promise(setImmediate);
    await taken;
  }

  /** Hands what was gathered to the connection, if it has nothing else to do. */
  flush(): void {
    if (this.#idle) this.#handOver();
  }

  get #idle(): boolean {
    return this.#connection.writableLength === 0;
  }

  #handOver(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    this.#write(bytes, () => {
      this.#spare = block;
    });
  }

  #takeSpare(): Buffer {
    const block = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#spare = undefined;
    return block;
  }

  #write(bytes: Buffer, released: (() => void) | undefined): void {
    const packages = this.#packages;
    // The last of them ends with this write: before all of it was taken, that one was not sent whole.
    if (packages > 0) this.#events.sent(packages - 1);
    this.#connection.write(bytes, (error) => {
      if (!error) {
        this.#events.sent(packages);
        this.#events.taken(bytes.length);
      }
      released?.();
    });
  }
}
