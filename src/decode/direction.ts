import { FIRST_BYTES } from "./cause.ts";
import type { Direction } from "./events.ts";

const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const STATUSES = [0x4b, 0x5a, 0x44];

/** Longer than any length, even with leading zeros. */
const MAX_BYTES = 24;

/**
 * Which way a stream goes, by its first bytes. If they are neither a package's nor a response's, it is read as
 * packages, which come from clients.
 * @param ended whether these are all
 * @returns undefined if more are needed
 */
export function directionOf(first: Buffer, ended: boolean): Direction | undefined {
  let at = 0;
  while (at < first.length && isDigit(first[at])) at++;
  const colon = at < first.length && first[at] === COLON && at > 0;
  const byte = first[colon ? at + 1 : at];
  if (colon && byte !== undefined) return STATUSES.includes(byte) ? "responses" : "packages";
  const enough = !colon && byte !== undefined && first.length >= FIRST_BYTES;
  return ended || enough || first.length >= MAX_BYTES ? "packages" : undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
