/*
 * MXPS: the preference of an MX record says which protocol the exchanger speaks. A preference from 12800 to 13055 whose
 * remainder modulo 16 is 1 means QMTP, on port 209 of each of its addresses.
 */

/** A mail exchanger of a domain. */
export interface Exchanger {
  readonly host: string;
  readonly preference: number;
}

const FIRST = 12_800;
const LAST = 13_055;
const STEP = 16;
const QMTP = 1;

export function speaksQmtp({ preference }: Exchanger): boolean {
  return preference >= FIRST && preference <= LAST && preference % STEP === QMTP;
}

/**
 * Sorts exchangers by preference, and those of equal preference at random, so that they share the load.
 * @param random returns a number from 0 to 1
 */
export function byPreference(exchangers: readonly Exchanger[], random: () => number): Exchanger[] {
  return exchangers
    .map((exchanger) => ({ exchanger, draw: random() }))
    .sort((one, other) => one.exchanger.preference - other.exchanger.preference || one.draw - other.draw)
    .map(({ exchanger }) => exchanger);
}
