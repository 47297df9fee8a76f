import { readSync } from "node:fs";

/** One read, one write on the wire: large enough that a call costs nothing, small enough for the cache. */
const CHUNK = 512 * 1024;

/**
 * The bytes of an open file from its start to its end. A chunk stands until the next one is asked for: there is one buffer,
 * however long the file.
 *
 * The reads are synchronous: what the system has read ahead is copied in a fraction of the time that handing
 * the read to another thread and back takes. Whoever asks for chunks gives the event loop its turns.
 */
export async function* fileChunks(fd: number): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  for (let position = 0; ; ) {
    const length = readSync(fd, buffer, 0, CHUNK, position);
    if (length === 0) return;
    position += length;
    yield buffer.subarray(0, length);
  }
}
