import { isDigit } from "../protocol/netstring.ts";
import { FIRST_BYTES } from "./cause.ts";
import type { Direction } from "./events.ts";
import { STATUSES } from "./fits.ts";

const COLON = 0x3a;

/** Longer than any length, even with leading zeros. */
const MAX_BYTES = 24;

/**
 * Which way a stream goes, by its first bytes. If they are neither a package's nor a response's, it is read as
 * packages, which come from clients.
 * @param ended whether these are all
 * @returns undefined if more are needed
 */
function directionOf(first: Buffer, ended: boolean): Direction | undefined {
  let at = 0;
  while (at < first.length && isDigit(first[at])) at++;
  const colon = at < first.length && first[at] === COLON && at > 0;
  const byte = first[colon ? at + 1 : at];
  if (colon && byte !== undefined) return STATUSES.includes(byte) ? "responses" : "packages";
  const enough = !colon && byte !== undefined && first.length >= FIRST_BYTES;
  return ended || enough || first.length >= MAX_BYTES ? "packages" : undefined;
}

/** Keeps the first bytes of a stream until they show its direction, or what it is if it is not QMTP. */
export class FirstBytes {
  /** The first of them, for a guess at what it is. */
  bytes: Buffer = Buffer.alloc(0);
  direction: Direction | null = null;

  /** @returns all bytes so far, once the direction is known */
  add(chunk: Buffer, ended: boolean): Buffer | undefined {
    const all = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    // Until the direction is known, there are never more.
    this.bytes = Buffer.from(all.subarray(0, MAX_BYTES));
    this.direction = directionOf(all, ended) ?? null;
    return all.length === 0 || this.direction === null ? undefined : all;
  }
}
