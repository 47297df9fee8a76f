import type { Direction } from "../../decode/events.ts";
import { usageError } from "../../errors.ts";
import type { DecodeOptions } from "./declare.ts";

/** What to decode, and what to do with it. */
export interface DecodeRequest {
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
  /** If undefined, the first bytes decide. */
  readonly direction: Direction | undefined;
  /** The folder for messages. */
  readonly messages: string | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** @throws {QmtpError} usage */
export function read(options: DecodeOptions, operands: readonly string[]): DecodeRequest {
  const { packages, responses, messages, quiet, json } = options;
  if (packages && responses) throw usageError("--packages and --responses cannot be combined");
  if (responses && messages !== undefined) {
    throw usageError("--messages and --responses cannot be combined: responses contain no messages");
  }
  const files = operands.length === 0 ? ["-"] : operands;
  if (files.filter((file) => file === "-").length > 1)
    throw usageError("standard input can be read only once");
  return {
    files,
    direction: packages ? "packages" : responses ? "responses" : undefined,
    messages,
    quiet: quiet === true,
    json: json === true,
  };
}
