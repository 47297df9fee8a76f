import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { reason } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import type { LogTarget } from "./log.ts";

/** Bytes of a line. logger(1) splits longer ones: syslog's traditional limit is 1,024 with its header (RFC 3164). */
const MAX_LINE = 900;
/** Bytes that may wait for a slow logger. Further lines are lost. */
const MAX_WAITING = 8 * 1024 * 1024;
/** Milliseconds that logger has to pass on the last lines. */
const EXIT_GRACE_MS = 5_000;
/** Characters of logger's error message to show. */
const MAX_COMPLAINT = 200;

export interface LoggerOptions {
  readonly env: Environment;
  /** Sends a signal to all processes of a group; the group may have exited. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
}

type LoggerProcess = ChildProcessByStdio<Writable, null, Readable>;

/** Syslog, facility mail, through one logger(1) that reads lines, because Node cannot write to /dev/log. */
export function openSyslog(tag: string, options: LoggerOptions): LogTarget {
  let logger: Logger | undefined;
  return {
    write(line) {
      logger ??= new Logger(tag, options);
      logger.write(line);
    },
    close: async () => logger?.close(),
  };
}

class Logger {
  readonly #child: LoggerProcess;
  readonly #signalGroup: LoggerOptions["signalGroup"];
  readonly #ended: Promise<Error | undefined>;
  #complaint = "";

  constructor(tag: string, { env, signalGroup }: LoggerOptions) {
    this.#signalGroup = signalGroup;
    // In its own process group, so that Ctrl-C does not end it before the last lines.
    this.#child = spawn("logger", ["-t", tag, "-p", "mail.info"], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
      env,
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (this.#complaint.length < MAX_COMPLAINT) this.#complaint += text;
    });
    this.#ended = once(this.#child, "close").then(
      ([code, signal]) => this.#failure(code, signal),
      (error) => new Error(`logger: ${reason(error)}`),
    );
  }

  write(line: string): void {
    const { stdin } = this.#child;
    // If logger has exited, `close` says why.
    if (!stdin.writable) return;
    if (stdin.writableLength > MAX_WAITING) throw new Error("logger is too slow; lines are lost");
    stdin.write(`${capped(line)}\n`);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#kill(), EXIT_GRACE_MS);
    const failure = await this.#ended;
    clearTimeout(timer);
    if (failure !== undefined) throw failure;
  }

  /** Whatever it has started goes too: `#ended` waits until nothing has its standard error open. */
  #kill(): void {
    this.#complaint = `logger did not end within ${EXIT_GRACE_MS / 1_000} s`;
    if (this.#child.pid !== undefined) this.#signalGroup(this.#child.pid, "SIGKILL");
  }

  #failure(code: number | null, signal: string | null): Error | undefined {
    if (code === 0) return undefined;
    const [complaint = ""] = this.#complaint.trim().split("\n");
    const how = signal === null ? `logger ended with exit code ${code}` : `logger was killed by ${signal}`;
    return new Error(complaint === "" ? how : complaint.slice(0, MAX_COMPLAINT));
  }
}

/** Truncates the line at its end, which is the delivery's text. */
function capped(line: string): string {
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_LINE) return line;
  return `${bytes
    .subarray(0, MAX_LINE)
    .toString()
    .replace(/\ufffd+$/, "")}...`;
}
