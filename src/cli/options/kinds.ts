import { Argument, type Command, Option } from "commander";
import { usageError } from "../../errors.ts";

/** More seconds than any run takes, yet few enough for Node's timers, which count milliseconds in 31 bits. */
const MAX_SECONDS = 2_000_000;

/** The headings of `--help`, in order, for all commands. */
export const GROUPS = {
  recipients: "Recipients and sender:",
  message: "Message:",
  composing: "Composing:",
  responses: "Responses:",
  input: "Input:",
  load: "Load:",
  conditions: "Conditions:",
  maildir: "Maildir:",
  listening: "Listening:",
  accepting: "Accepting:",
  misbehaving: "Misbehaving:",
  checking: "Checking:",
  ignored: "Ignored:",
  server: "Server:",
  tls: "TLS:",
  times: "Time limits:",
  retrying: "Retrying:",
  repeating: "Repeating:",
  output: "Output:",
} as const;

/** Adds options under a heading of `--help`. */
export function addGroup(command: Command, group: keyof typeof GROUPS, options: readonly Option[]): void {
  for (const option of options) command.addOption(option.helpGroup(GROUPS[group]));
}

export function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** An option that may be repeated; its value is a list. */
export function listOption(flags: string, description: string): Option {
  return new Option(flags, `${description}; repeatable`).argParser(append);
}

/** An option that may be repeated, each time with one of these values. */
export function choicesOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = listOption(flags, description).choices(choices);
  const checked = option.parseArg;
  return option.argParser((value, previous: readonly string[] | undefined) =>
    append(checked?.(value, value) ?? value, previous),
  );
}

/** An option with a number of seconds; its value is in milliseconds. */
export function secondsOption(flags: string, description: string, defaultSeconds?: number): Option {
  const seconds = new Option(flags, description).argParser((text) => milliseconds(text, flags));
  if (defaultSeconds === undefined) return seconds;
  return seconds.default(defaultSeconds * 1_000, `${defaultSeconds}`);
}

/** An option with a whole number. */
export function countOption(
  flags: string,
  description: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): Option {
  return new Option(flags, description).argParser((text) => wholeNumber(text, flags, min, max));
}

/** The description of `<prefix>`, which several commands have. */
export const PREFIX_MEANING =
  "removed from recipients; files of other recipients are left alone; '' matches all";

export function prefixArgument(): Argument {
  return new Argument("<prefix>", PREFIX_MEANING);
}

function append(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function milliseconds(text: string, flags: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value === 0 || value > MAX_SECONDS) {
    const wanted = `a number of seconds, more than 0 and at most ${MAX_SECONDS}`;
    throw usageError(`option '${flags}' does not accept '${text}': write ${wanted}`);
  }
  return value * 1_000;
}

function wholeNumber(text: string, flags: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < min || value > max) {
    const wanted = `a whole number, ${min} or more${max < Number.MAX_SAFE_INTEGER ? ` and at most ${max}` : ""}`;
    throw usageError(`option '${flags}' does not accept '${text}': write ${wanted}`);
  }
  return value;
}
