import type { Duplex } from "node:stream";

/** Bytes of the block that gathers small pieces: many pieces take one system call, and little memory. */
const BLOCK = 131_072;
/** Pieces of this many bytes or more are cheaper to write separately than to copy. */
const LARGE = 16_384;

export interface OutboxEvents {
  /** The final bytes of the first `packages` packages were handed to the connection. */
  written(packages: number): void;
  /** The connection has, or may have, taken the final bytes of the first `packages` packages. */
  sent(packages: number): void;
  /** The connection has taken another `bytes` bytes. */
  taken(bytes: number): void;
}

/**
 * The writing side of a connection: gathers small pieces, passes large ones on, respects backpressure.
 *
 * Packages are gathered until they fill a block, or until `flush`: a system call for each would cost more than
 * everything else. Which packages were completely sent is known exactly, unless a write of several fails partway:
 * then any package that ends before the write's last byte may have been sent.
 */
export class Outbox {
  readonly #connection: Duplex;
  readonly #events: OutboxEvents;
  /** Packages whose final byte was added, since the start. */
  #packages = 0;
  #block: Buffer | undefined;
  #filled = 0;
  /** Whether the last byte in the block is the final byte of a package. */
  #endsPackage = false;
  /** A block for reuse, once the connection is done with it: most sessions never need a second one. */
  #spare: Buffer | undefined;

  constructor(connection: Duplex, events: OutboxEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  /** Whether a piece may be added now. If not, wait for the next `taken` event. */
  hasRoomFor(piece: Buffer): boolean {
    return this.#idle || (piece.length < LARGE && this.#filled + piece.length <= BLOCK);
  }

  get empty(): boolean {
    return this.#filled === 0;
  }

  /** Adds a piece whose memory will not be reused. There must be room for it. */
  add(piece: Buffer): void {
    this.#add(piece, false);
  }

  /** Adds the piece that ends a package. There must be room for it. */
  addLast(piece: Buffer): void {
    this.#add(piece, true);
  }

  /** Whether a complete package of this many bytes may be added now. */
  hasRoomForPackage(bytes: number): boolean {
    return bytes <= BLOCK && (this.#filled + bytes <= BLOCK || this.#idle);
  }

  /** Adds a complete package of this many bytes, which `encode` writes. There must be room for it. */
  addPackage(bytes: number, encode: (block: Buffer, at: number) => void): void {
    if (this.#filled + bytes > BLOCK) this.#handOver();
    this.#block ??= this.#takeSpare();
    encode(this.#block, this.#filled);
    // Only now: if the message cannot be read, nothing of the package is sent.
    this.#packages++;
    this.#filled += bytes;
    this.#endsPackage = true;
  }

  /** Adds a piece whose memory its owner will reuse; resolves when that is safe. There must be room for it. */
  async addBorrowed(piece: Buffer): Promise<void> {
    if (piece.length < LARGE) {
      this.add(piece);
      return;
    }
    this.#handOver();
    const taken = new Promise<void>((resolve) => this.#write(piece, false, resolve));
    // While the connection takes every write at once, the reader, timers and signals would never get a turn.
    if (this.#idle) await new Promise(setImmediate);
    await taken;
  }

  /** Writes what was gathered, if the connection is idle. */
  flush(): void {
    if (this.#idle) this.#handOver();
  }

  get #idle(): boolean {
    return this.#connection.writableLength === 0;
  }

  #add(piece: Buffer, last: boolean): void {
    const large = piece.length >= LARGE;
    // Earlier pieces are handed over first, before this package is counted.
    if (large || this.#filled + piece.length > BLOCK) this.#handOver();
    if (last) this.#packages++;
    if (large) {
      this.#write(piece, last, undefined);
      return;
    }
    this.#block ??= this.#takeSpare();
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
    this.#endsPackage = last;
  }

  #handOver(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#filled);
    this.#block = undefined;
    this.#filled = 0;
    this.#write(bytes, this.#endsPackage, () => {
      this.#spare = block;
    });
  }

  #takeSpare(): Buffer {
    const block = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#spare = undefined;
    return block;
  }

  #write(bytes: Buffer, endsPackage: boolean, released: (() => void) | undefined): void {
    const packages = this.#packages;
    this.#events.written(packages);
    // A package that ends with this write counts as sent only once the connection has taken all of it; earlier ones
    // may have been sent already.
    this.#events.sent(endsPackage ? packages - 1 : packages);
    this.#connection.write(bytes, (error) => {
      if (!error) {
        this.#events.sent(packages);
        this.#events.taken(bytes.length);
      }
      released?.();
    });
  }
}
