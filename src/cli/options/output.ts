import type { Command } from "commander";
import type { SessionTiming } from "../../client/deliver.ts";
import { Progress, type ProgressText } from "../../report/progress.ts";
import { isDecorated } from "../../report/terminal.ts";
import { dimPaint, type Paint, statusPaint, timesLine } from "../../report/text.ts";
import type { Context } from "../context.ts";
import { addGroup, option } from "./kinds.ts";
import { type TranscriptOptions, transcriptOptions } from "./transcript.ts";

export interface OutputOptions extends TranscriptOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
}

/** How results are printed. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether the user wants colours, where there can be any. */
  readonly colour: boolean;
  /** Whether standard error has a transcript. */
  readonly hasTranscript: boolean;
  /** Returns the function that colours status words; loads the colours on the first call. */
  readonly paint: () => Promise<Paint>;
  /** Shows progress on the terminal until stopped. Returns undefined if the user does not want it. */
  readonly startProgress: (text: ProgressText) => Progress | undefined;
  /** Prints how long the exchange took, if the user watches at a terminal. */
  readonly printTimes: (timing: SessionTiming) => Promise<void>;
}

export function declareOutput(command: Command, words: { json: string; quiet: string }): void {
  addGroup(command, "output", [
    option("--json", words.json),
    option("-q, --quiet", words.quiet),
    ...transcriptOptions(),
    option("--no-color", "no colour and no spinner, even on a terminal"),
  ]);
}

export function readOutput(options: OutputOptions, context: Context): Output {
  const { json, quiet, color, verbose = 0, trace } = options;
  const hasTranscript = verbose > 0 && trace === undefined;
  const wantsProgress = color && !json && !quiet && !hasTranscript;
  const terminal = () => (isDecorated(context.stderr, context.env, true) ? context.stderr : undefined);
  return {
    json: json === true,
    quiet: quiet === true,
    colour: color,
    hasTranscript,
    paint: () => statusPaint(isDecorated(context.stdout, context.env, color)),
    startProgress: (text) => (wantsProgress ? new Progress(terminal, text) : undefined),
    printTimes: async (timing) => {
      const line = timesLine(timing);
      if (line === undefined || json || quiet || !context.stdout.isTTY || !context.stderr.isTTY) return;
      const dim = await dimPaint(isDecorated(context.stderr, context.env, color));
      context.stderr.write(`${dim(line)}\n`);
    },
  };
}
