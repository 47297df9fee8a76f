import type { Command, Option } from "commander";
import type { Context } from "../context.ts";
import { Transcript } from "../report/transcript.ts";
import type { Limits } from "../session/contract.ts";
import { declareRoute, ROUTE_DEFAULTS, type RouteDefaults, type RouteOptions } from "./route-options.ts";
import { timeOption } from "./values.ts";

/** How to send; times in milliseconds. */
export interface TransmissionOptions extends RouteOptions {
  readonly timeout: number;
  readonly maxTime: number;
  readonly verbose: number;
}

/** What the commands that print results have in common, too. */
export interface SessionOptions extends TransmissionOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

export function declareServers(command: Command, defaults: RouteDefaults = ROUTE_DEFAULTS): Command {
  return declareRoute(command, defaults)
    .addOption(timeOption(command, "--timeout <s>", "seconds without a byte sent or received", 600))
    .addOption(timeOption(command, "--max-time <s>", "seconds for the whole session", 3_600));
}

export function declareOutput(command: Command, words: { json: string; quiet: string }): Command {
  return command
    .option("--json", words.json)
    .option("-q, --quiet", words.quiet)
    .addOption(transcriptOption(command))
    .option("--no-color", "no colour and no spinner, also on a terminal");
}

export function transcriptOption(command: Command): Option {
  return command
    .createOption("-v, --verbose", "print a transcript to standard error; twice: with the message")
    .argParser((_, previous: number) => previous + 1)
    .default(0);
}

export function limitsOf({ timeout, maxTime }: Pick<TransmissionOptions, "timeout" | "maxTime">): Limits {
  return { idleMs: timeout, sessionMs: maxTime };
}

/** For `-v`, and for nothing else. */
export function startTranscript(
  { verbose }: Pick<TransmissionOptions, "verbose">,
  { stderr }: Context,
): Transcript | undefined {
  return verbose === 0 ? undefined : new Transcript(stderr, verbose > 1);
}

/** Whether there may be movement on the terminal, if there is one. */
export function wantsProgress({ color, json, quiet, verbose }: SessionOptions): boolean {
  return color && !json && !quiet && verbose === 0;
}
