import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { CommandError } from "../errors.ts";

/** Where a UCSPI client such as tcpclient(1) leaves the connection (cr.yp.to/proto/ucspi.txt). */
const READ = 6;
const WRITE = 7;
/** Descriptors of Node's own are looked for up to here: it opens two dozen when it starts. */
const MOST_DESCRIPTOR = 63;

/**
 * The connection that a UCSPI client has made.
 * @throws {CommandError} not-under-ucspi, where descriptors 6 and 7 were not inherited
 */
export function ucspiConnection(): Duplex {
  if (!isInherited(READ) || !isInherited(WRITE)) {
    const message =
      "there is no connection on descriptors 6 and 7; run it below a UCSPI client such as tcpclient";
    throw new CommandError(message, { code: "not-under-ucspi", temporary: true });
  }
  const reading = new Socket({ fd: READ, readable: true, writable: false });
  return new DescriptorPair(reading, new Socket({ fd: WRITE, readable: false, writable: true }));
}

/**
 * Whether a descriptor is one that was there before Node was. Node's own at these numbers are event queues, which
 * are neither socket nor pipe, or pipes that it made for itself: of those it has both ends, and of an inherited
 * pipe one.
 */
function isInherited(fd: number): boolean {
  const stat = statOf(fd);
  if (stat === undefined) return false;
  if (stat.isSocket()) return true;
  if (!stat.isFIFO()) return false;
  for (let other = 0; other <= MOST_DESCRIPTOR; other++) {
    const end = other === fd ? undefined : statOf(other);
    if (end?.isFIFO() && end.ino === stat.ino && end.dev === stat.dev) return false;
  }
  return true;
}

function statOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

/** Two descriptors as one connection; each write counts as taken when its descriptor has taken it. */
class DescriptorPair extends Duplex {
  readonly #reading: Socket;
  readonly #writing: Socket;

  constructor(reading: Socket, writing: Socket) {
    super({ allowHalfOpen: true });
    this.#reading = reading;
    this.#writing = writing;
    reading.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) reading.pause();
    });
    reading.on("end", () => this.push(null));
    for (const socket of [reading, writing]) socket.on("error", (error) => this.destroy(error));
    reading.pause();
  }

  override _read(): void {
    this.#reading.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#writing.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#writing.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#reading.destroy();
    this.#writing.destroy();
    done(error);
  }
}
