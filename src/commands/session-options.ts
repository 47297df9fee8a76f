import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Transcript } from "../report/transcript.ts";
import type { Limits } from "../session/contract.ts";
import { declareRoute, type RouteOptions } from "./route-options.ts";
import { timeOption } from "./values.ts";

/** What the commands that send have in common; times in milliseconds. */
export interface SessionOptions extends RouteOptions {
  readonly timeout: number;
  readonly maxTime: number;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose: number;
  readonly color: boolean;
}

export function declareServers(command: Command): Command {
  return declareRoute(command)
    .addOption(timeOption(command, "--timeout <s>", "seconds without a byte sent or received", 600))
    .addOption(timeOption(command, "--max-time <s>", "seconds for the whole session", 3_600));
}

export function declareOutput(command: Command, words: { json: string; quiet: string }): Command {
  return command
    .option("--json", words.json)
    .option("-q, --quiet", words.quiet)
    .option("-v, --verbose", "print a transcript to standard error; twice: with the message", more, 0)
    .option("--no-color", "no colour and no spinner, also on a terminal");
}

export function limitsOf({ timeout, maxTime }: SessionOptions): Limits {
  return { idleMs: timeout, sessionMs: maxTime };
}

/** For `-v`, and for nothing else. */
export function startTranscript({ verbose }: SessionOptions, { stderr }: Context): Transcript | undefined {
  return verbose === 0 ? undefined : new Transcript(stderr, verbose > 1);
}

/** Whether there may be movement on the terminal, if there is one. */
export function wantsProgress({ color, json, quiet, verbose }: SessionOptions): boolean {
  return color && !json && !quiet && verbose === 0;
}

function more(_: string, previous: number): number {
  return previous + 1;
}
