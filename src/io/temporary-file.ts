import { openSync, unlinkSync, writeSync } from "node:fs";

/**
 * A file without a name, for reading and writing. It disappears when it is closed, however this process ends.
 * @throws the system's error
 */
export function openTemporaryFile(directory: string): number {
  const path = `${directory}/qmtp-${crypto.randomUUID()}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

/**
 * Writes all of the bytes, however many calls that takes.
 * @param position the offset to write them at, or null for the descriptor's own position, which moves on
 */
export function writeWhole(fd: number, bytes: Buffer, position: number | null = null): void {
  for (let at = 0; at < bytes.length; ) {
    const to = position === null ? null : position + at;
    at += writeSync(fd, bytes, at, bytes.length - at, to);
  }
}
