import { openSync, unlinkSync, writeSync } from "node:fs";

/**
 * An unlinked file for reading and writing. It is gone once it is closed, however this process ends.
 * @throws the system's error
 */
export function openTemporaryFile(directory: string): number {
  const path = `${directory}/qmtp-${crypto.randomUUID()}`;
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}

/**
 * Writes all of the bytes, with as many calls as that takes.
 * @param position the offset to write at, or null for the descriptor's current position, which advances
 */
export function writeWhole(fd: number, bytes: Buffer, position: number | null = null): void {
  for (let at = 0; at < bytes.length; ) {
    const to = position === null ? null : position + at;
    at += writeSync(fd, bytes, at, bytes.length - at, to);
  }
}
