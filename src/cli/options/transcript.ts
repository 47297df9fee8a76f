import type { Option } from "commander";
import { usageError } from "../../errors.ts";
import { TraceFile } from "../../report/trace-file.ts";
import { Transcript } from "../../report/transcript.ts";
import type { Context } from "../context.ts";
import { option } from "./kinds.ts";

/** Whether there is a transcript, and where. */
export interface TranscriptOptions {
  readonly verbose?: number;
  readonly trace?: string;
  /** Then there is nothing to show. */
  readonly dryRun?: true;
}

export function transcriptOptions(): Option[] {
  return [
    option("-v, --verbose", "print a transcript to standard error; twice: with the message")
      .argParser((_, previous: number) => previous + 1)
      .default(0),
    option("--trace <file>", "write the transcript to this file instead, which is overwritten"),
  ];
}

/**
 * The transcript that the options ask for.
 * @throws {QmtpError} usage, unwritable-trace
 */
export function openTranscript(
  options: TranscriptOptions,
  context: Pick<Context, "say" | "stderr">,
): Transcript | undefined {
  const { verbose = 0, trace, dryRun } = options;
  const withMessage = verbose > 1;
  if (trace === "-") throw usageError("--trace needs a file; -v prints the transcript to standard error");
  if (dryRun === true) return undefined;
  if (trace !== undefined) return new Transcript(new TraceFile(trace, context.say).write, withMessage);
  if (verbose === 0) return undefined;
  return new Transcript((text) => void context.stderr.write(text), withMessage);
}
