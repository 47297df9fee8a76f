import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { reason } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import type { LogTarget } from "./log.ts";

/** logger(1) splits longer lines, in bytes: syslog's traditional limit is 1,024 with its own header (RFC 3164). */
const MAX_LINE = 900;
/** Lines that wait for a slow logger, in bytes. Further ones are lost. */
const MAX_WAITING = 8 * 1024 * 1024;
/** How long logger may take to pass on the last lines, in milliseconds. */
const LEAVE_MS = 5_000;
/** Enough of what logger says about a failure, in characters. */
const MAX_WORDS = 200;

type LoggerProcess = ChildProcessByStdio<Writable, null, Readable>;

/** syslog, facility mail, through one logger(1) that reads lines; Node cannot write to /dev/log itself. */
export function openSyslog(tag: string, env: Environment): LogTarget {
  let logger: Logger | undefined;
  return {
    write(line) {
      logger ??= new Logger(tag, env);
      logger.write(line);
    },
    close: async () => logger?.close(),
  };
}

class Logger {
  readonly #child: LoggerProcess;
  readonly #ended: Promise<Error | undefined>;
  #words = "";

  constructor(tag: string, env: Environment) {
    // In a group of its own: Ctrl-C must not end it before the last lines.
    this.#child = spawn("logger", ["-t", tag, "-p", "mail.info"], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
      env,
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (this.#words.length < MAX_WORDS) this.#words += text;
    });
    this.#ended = once(this.#child, "close").then(
      ([code, signal]) => this.#failure(code, signal),
      (error) => new Error(`logger: ${reason(error)}`),
    );
  }

  write(line: string): void {
    const { stdin } = this.#child;
    // If it has ended, `close` says why.
    if (!stdin.writable) return;
    if (stdin.writableLength > MAX_WAITING) throw new Error("logger is too slow; lines are lost");
    stdin.write(`${capped(line)}\n`);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), LEAVE_MS);
    const failure = await this.#ended;
    clearTimeout(timer);
    if (failure !== undefined) throw failure;
  }

  #failure(code: number | null, signal: string | null): Error | undefined {
    if (code === 0) return undefined;
    const [words = ""] = this.#words.trim().split("\n");
    const how = signal === null ? `logger ended with exit code ${code}` : `logger was killed by ${signal}`;
    return new Error(words === "" ? how : words.slice(0, MAX_WORDS));
  }
}

/** The text is last: it is what is cut. */
function capped(line: string): string {
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_LINE) return line;
  return `${bytes
    .subarray(0, MAX_LINE)
    .toString()
    .replace(/\ufffd+$/, "")}...`;
}
