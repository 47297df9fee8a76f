import { fstatSync, readSync } from "node:fs";

/** One read, one write on the wire: large enough that a call costs nothing, small enough for the cache. */
const CHUNK = 512 * 1024;
/** After so many bytes, timers and signals have their turn: some milliseconds, even from a slow disk. */
const TURN = 4 * 1024 * 1024;

/**
 * The bytes of an open file to its end. A chunk stands until the next one is asked for: there is one buffer,
 * however long the file.
 *
 * The reads are synchronous: what the system has read ahead is copied in a fraction of the time that handing
 * the read to another thread and back takes.
 *
 * @param from the byte to begin at, or null for the descriptor's own place, which moves on
 */
export async function* fileChunks(fd: number, from: number | null = 0): AsyncGenerator<Buffer, void> {
  // No larger than the file, which may be small and read a thousand times. One byte more finds its end.
  const size = from === null ? CHUNK : Math.min(CHUNK, Math.max(0, fstatSync(fd).size - from) + 1);
  const buffer = Buffer.allocUnsafeSlow(size);
  let done = 0;
  for (let sinceTurn = 0; ; ) {
    const length = readSync(fd, buffer, 0, size, from === null ? null : from + done);
    if (length === 0) return;
    done += length;
    sinceTurn += length;
    yield buffer.subarray(0, length);
    if (sinceTurn < TURN) continue;
    sinceTurn = 0;
    await new Promise(setImmediate);
  }
}
