import type { Writable } from "node:stream";

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean };
export type Input = AsyncIterable<Buffer> & { readonly isTTY?: boolean; destroy(): unknown };

/**
 * The process as the commands see it; only main.ts touches the real one. The streams are made when they are
 * first asked for, because making them takes time that many runs need not spend.
 */
export interface Context {
  /** What the program was called as, before each line on standard error. */
  readonly name: string;
  /** Without the names of the program and the script. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by SIGINT, SIGTERM or SIGHUP, with an error that bears the signal's name. */
  readonly interrupted: AbortSignal;
  /** Process groups that were started and must not outlive us. */
  readonly groups: Set<number>;
  /** Sends a signal to all processes of a group; there may be none left. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
}
