import { Duplex } from "node:stream";

export interface PairOptions {
  /** Bytes that pass from client to server, and back, before the connection is cut. */
  readonly cutUp?: number;
  readonly cutDown?: number;
  /** How the cut shows: the end of the stream, or an error. */
  readonly cutWith?: "end" | "reset";
  /** Bytes each side holds before it counts as full. */
  readonly highWaterMark?: number;
}

/** One side of a connection in memory. What it writes is taken when the other side has room for it. */
class Side extends Duplex {
  other!: Side;
  /** Bytes this side may still write. */
  #left: number;
  readonly #cut: () => void;
  #resume: (() => void) | undefined;
  #ended = false;

  constructor(highWaterMark: number, left: number, cut: () => void) {
    super({ highWaterMark, allowHalfOpen: true });
    this.#left = left;
    this.#cut = cut;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const passing = Math.min(this.#left, chunk.length);
    this.#left -= passing;
    // A copy, as a real connection would make: the writer may reuse its buffer.
    const room = passing === 0 || this.other.push(Buffer.from(chunk.subarray(0, passing)));
    if (passing < chunk.length) this.#cut();
    else if (room) done();
    else this.other.#resume = done;
    if (this.#left === 0 && passing === chunk.length) this.#cut();
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _final(done: () => void): void {
    this.endOther();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.endOther();
    done(error);
  }

  endOther(): void {
    if (!this.other.destroyed && !this.#ended) this.other.push(null);
    this.#ended = true;
  }
}

/** Two ends of a connection in memory that can be cut after any byte. */
export function connectionPair(options: PairOptions = {}): { client: Duplex; server: Duplex } {
  const { highWaterMark = 65_536, cutWith = "end" } = options;
  const cut = () => {
    if (cutWith === "end") {
      client.endOther();
      server.endOther();
      return;
    }
    // What has passed is read before the reset is noticed.
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    setImmediate(() => client.destroy(reset));
    setImmediate(() => server.destroy());
  };
  const client = new Side(highWaterMark, options.cutUp ?? Number.POSITIVE_INFINITY, cut);
  const server = new Side(highWaterMark, options.cutDown ?? Number.POSITIVE_INFINITY, cut);
  client.other = server;
  server.other = client;
  server.on("error", () => {});
  return { client, server };
}
