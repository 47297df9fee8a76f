import type { Command, Option } from "commander";
import { usageError } from "../errors.ts";

/** Longer than anybody waits, in seconds, and still within what Node's timers can count in milliseconds. */
const MOST_SECONDS = 2_000_000;

/** An option that takes seconds, and has milliseconds as its value. */
export function timeOption(
  command: Command,
  flags: string,
  description: string,
  defaultSeconds: number,
): Option {
  return command
    .createOption(flags, description)
    .argParser((text) => milliseconds(text, flags))
    .default(defaultSeconds * 1_000, `${defaultSeconds}`);
}

/** An option that takes a whole number from `least` on. */
export function countOption(
  command: Command,
  flags: string,
  description: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): Option {
  return command.createOption(flags, description).argParser((text) => wholeNumber(text, flags, least, most));
}

/** For an option that may be repeated. */
export function append(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function milliseconds(text: string, flags: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value === 0 || value > MOST_SECONDS) {
    const wanted = `a number of seconds, more than 0 and at most ${MOST_SECONDS}`;
    throw usageError(`option '${flags}' does not take '${text}': write ${wanted}`);
  }
  return value * 1_000;
}

function wholeNumber(text: string, flags: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > most) {
    const wanted = `a whole number, ${least} or more${most < Number.MAX_SAFE_INTEGER ? ` and at most ${most}` : ""}`;
    throw usageError(`option '${flags}' does not take '${text}': write ${wanted}`);
  }
  return value;
}
