import type { Environment } from "../io/environment.ts";
import type { InputStream, OutputStream } from "../io/streams.ts";

/**
 * The process as commands see it; only main.ts touches the real one. Streams are created on first use, because that
 * takes time and many runs never need them.
 */
export interface Context {
  /** The name that the program was called by; each line on standard error begins with it. */
  readonly name: string;
  readonly env: Environment;
  /** The path of Node. */
  readonly node: string;
  /** For messages too large for memory. */
  readonly temporaryDirectory: string;
  /** The directory of this package's man pages. */
  readonly manualDirectory: string;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Prints `name: line` on standard error, sanitised. */
  readonly say: (line: string | Buffer) => void;
  /** The same for many lines, waiting while the stream is full. */
  readonly sayAll: (lines: Iterable<string | Buffer>) => Promise<void>;
  /** Aborted by SIGINT, SIGTERM or SIGHUP; the reason is an error with the signal's name. */
  readonly interrupted: AbortSignal;
  /** Calls the action on every SIGUSR1, which asks for a report. */
  readonly onReportAsked: (action: () => void) => void;
  /** How many system calls may wait at the same time, each in a thread. Has no effect once one has been made. */
  readonly setThreads: (count: number) => void;
  /** Process groups that we started, and that must not outlive us. */
  readonly groups: Set<number>;
  /** Sends a signal to all processes of a group; the group may have exited. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
}
