import { COMMA, isDigit } from "../protocol/netstring.ts";
import { type Fits, type Found, MORE, NO, type Place } from "./fits.ts";

/** What was being read when the violation came. Offsets are in the window. */
export interface Broken {
  /** Where to look first: the offending byte. */
  readonly at: number;
  /** Where the damaged netstring's bytes begin: its end cannot be before. */
  readonly floor: number;
  readonly search: Look;
}

/** How to look for the place where reading can go on. */
export type Look =
  /** Just there, then from the beginning of what is damaged on. */
  | { readonly kind: "around"; readonly place: Place; readonly from: number }
  /** For this place, forward. */
  | { readonly kind: "forward"; readonly place: Place }
  /** This place, just there. */
  | { readonly kind: "there"; readonly place: Place; readonly from: number };

/** A look, or a place that is certain without one: the netstring before it is in order. */
export type Search = Look | { readonly kind: "certain"; readonly place: Place; readonly from: number };

const ZERO = 0x30;

/**
 * Finds the first place where reading can go on: there, everything up to the next package is in order. If the rest
 * of the damaged package is not to be found, that is the next whole one.
 * @returns undefined if there is none in the window; its end is MORE if more bytes are needed to tell
 */
export function findPlace(fits: Fits, bytes: Buffer, broken: Broken): Found | undefined {
  const rest = searched(fits, bytes, broken);
  if (rest !== undefined && rest.end !== MORE) return rest;
  const { search } = broken;
  const place = search.place === "response" || search.place === "end" ? "response" : "package";
  if (search.kind === "forward" && search.place === place) return rest;
  const whole = forward(fits, bytes, place, broken.at, rest?.at);
  return whole !== undefined && whole.end !== MORE ? whole : (rest ?? whole);
}

function searched(fits: Fits, bytes: Buffer, broken: Broken): Found | undefined {
  const { search, at, floor } = broken;
  switch (search.kind) {
    case "around":
      return around(fits, bytes, search.place, search.from, floor);
    case "forward":
      return forward(fits, bytes, search.place, at);
    case "there":
      return tried(fits, search.place, search.from);
  }
}

/**
 * The declared end first. Else the first place that fits from the beginning of the damaged netstring on: a length that
 * is too great leads to later packages, which would fit as well.
 */
function around(fits: Fits, bytes: Buffer, place: Place, from: number, floor: number): Found | undefined {
  if (from > bytes.length && !fits.ended) return { place, at: floor, end: MORE };
  const declared = bytes[from] === COMMA ? tried(fits, place, from) : undefined;
  return declared ?? forward(fits, bytes, place, floor);
}

/** Between two offsets. */
function forward(
  fits: Fits,
  bytes: Buffer,
  place: Place,
  from: number,
  to = bytes.length,
): Found | undefined {
  const isNetstring = place === "package" || place === "response";
  for (let at = from; at < to; at++) {
    // A native loop, as a message may be long.
    if (!isNetstring) at = bytes.indexOf(COMMA, at);
    if (at === -1) return undefined;
    if (isNetstring && !begins(bytes, at, from)) continue;
    const found = tried(fits, place, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a length can begin there: not in the middle of another number. */
function begins(bytes: Buffer, at: number, from: number): boolean {
  if (!isDigit(bytes[at])) return false;
  return at === from || !isDigit(bytes[at - 1]) || bytes[at - 1] === ZERO;
}

function tried(fits: Fits, place: Place, at: number): Found | undefined {
  const end = fits.at(place, at);
  return end === NO ? undefined : { place, at, end };
}

/** What is where reading goes on. */
export const PLACES: Readonly<Record<Place, string>> = {
  package: "a package",
  comma: "the comma after the message",
  sender: "the comma after the sender",
  recipient: "the comma after a recipient",
  recipients: "a recipient",
  list: "the comma after the list of recipients",
  end: "the comma after the response",
  response: "a response",
};
