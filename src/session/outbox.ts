import type { Duplex } from "node:stream";

/** Small pieces are gathered up to this many bytes: one system call for many, and little to hold. */
const BLOCK = 65_536;
/** From this many bytes on, copying a chunk costs more than a write of its own. */
const LARGE = 16_384;

export interface OutboxEvents {
  /** The final byte of a package is about to be handed to the connection. */
  whole(): void;
  /** The connection has taken so many bytes more, and with them the first `packages` whole packages. */
  taken(bytes: number, packages: number): void;
}

/** The writing side of a connection: gathers small pieces, hands over large ones, heeds back pressure. */
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

  /** Whether the connection has enough to do: then wait for its `drain` before adding more. */
  get full(): boolean {
    return this.#connection.writableNeedDrain;
  }

  /** Adds a piece that stays as it is; a small one is copied. */
  add(piece: Buffer): void {
    this.#add(piece, false);
  }

  /** Adds the piece that ends a package. */
  addLast(piece: Buffer): void {
    this.#add(piece, true);
  }

  /** Adds a piece that its owner will overwrite, and resolves when it may. */
  async addBorrowed(piece: Buffer): Promise<void> {
    if (piece.length < LARGE) return this.add(piece);
    this.flush();
    await new Promise<void>((resolve) => this.#write(piece, resolve));
  }

  /** Hands what was gathered to the connection. */
  flush(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    this.#write(bytes, () => {
      this.#spare = block;
    });
  }

  #add(piece: Buffer, last: boolean): void {
    const large = piece.length >= LARGE;
    // What was added before goes out first, and is counted before the package is: so that a package counts
    // as taken only with the very write that holds its final byte.
    if (large || this.#filled + piece.length > BLOCK) this.flush();
    if (last) {
      this.#packages++;
      this.#events.whole();
    }
    if (large) {
      this.#write(piece, undefined);
      return;
    }
    this.#block ??= this.#takeSpare();
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
  }

  #takeSpare(): Buffer {
    const block = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#spare = undefined;
    return block;
  }

  #write(bytes: Buffer, released: (() => void) | undefined): void {
    const packages = this.#packages;
    this.#connection.write(bytes, (error) => {
      if (!error) this.#events.taken(bytes.length, packages);
      released?.();
    });
  }
}
