import type { FileHandle } from "node:fs/promises";

/** One read, one write on the wire: large enough that a call costs nothing, small enough for the cache. */
const CHUNK = 256 * 1024;

/**
 * A file's bytes from its start to its end, one read ahead of its reader. A chunk stands until the next one is
 * asked for: there are two buffers, however long the file.
 */
export async function* readAhead(file: FileHandle): AsyncGenerator<Buffer, void> {
  let buffer = Buffer.allocUnsafeSlow(CHUNK);
  let other = Buffer.allocUnsafeSlow(CHUNK);
  let position = 0;
  let reading = file.read(buffer, 0, CHUNK, position);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      position += bytesRead;
      const chunk = buffer.subarray(0, bytesRead);
      [buffer, other] = [other, buffer];
      reading = file.read(buffer, 0, CHUNK, position);
      yield chunk;
    }
  } finally {
    // The reader may have gone away: the file must not be closed under a read that is under way.
    await reading.catch(() => undefined);
  }
}
