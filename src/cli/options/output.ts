import type { Command, Option } from "commander";
import { Progress, type ProgressText } from "../../report/progress.ts";
import { isDecorated } from "../../report/terminal.ts";
import { type Paint, statusPaint } from "../../report/text.ts";
import type { Context } from "../context.ts";
import { addGroup, option } from "./kinds.ts";

export interface OutputOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
  readonly verbose?: number;
}

/** How results are printed. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Returns the function that colours status words; loads the colours on the first call. */
  readonly paint: () => Promise<Paint>;
  /** Shows progress on the terminal until stopped. Returns undefined if the user does not want it. */
  readonly startProgress: (text: ProgressText) => Progress | undefined;
}

export function declareOutput(command: Command, words: { json: string; quiet: string }): void {
  addGroup(command, "output", [
    option("--json", words.json),
    option("-q, --quiet", words.quiet),
    verboseOption(),
    option("--no-color", "no colour and no spinner, even on a terminal"),
  ]);
}

export function verboseOption(): Option {
  return option("-v, --verbose", "print a transcript to standard error; twice: with the message")
    .argParser((_, previous: number) => previous + 1)
    .default(0);
}

export function readOutput({ json, quiet, color, verbose }: OutputOptions, context: Context): Output {
  const wantsProgress = color && !json && !quiet && verbose === 0;
  const terminal = () => (isDecorated(context.stderr, context.env, true) ? context.stderr : undefined);
  return {
    json: json === true,
    quiet: quiet === true,
    paint: () => statusPaint(isDecorated(context.stdout, context.env, color)),
    startProgress: (text) => (wantsProgress ? new Progress(terminal, text) : undefined),
  };
}
