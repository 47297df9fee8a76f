import { fstatSync } from "node:fs";
import type { Context } from "./cli/context.ts";
import { runProgram } from "./cli/program.ts";
import { COMMAND_TABLE } from "./command-table.ts";
import { reason } from "./errors.ts";
import type { InputStream, OutputStream } from "./io/streams.ts";
import { fileChunks } from "./message/file-chunks.ts";
import { sanitise } from "./report/sanitise.ts";
import { writeLines } from "./report/write.ts";

const STANDARD_INPUT = 0;

/**
 * Runs a launcher with the arguments of this process, and sets the exit code.
 * @returns whether this kind of run is common enough to keep its compiled code
 */
export async function main(launcher = "qmtp"): Promise<boolean> {
  const { context, close } = processContext(launcher);
  try {
    const ended = await runProgram(process.argv.slice(2), COMMAND_TABLE, context);
    process.exitCode = ended.exitCode;
    if (!ended.isFinal) exitAsInterrupted(context.interrupted);
    return ended.frequent;
  } finally {
    // Standard input may be a pipe that stays open; it must not keep the process alive.
    close();
  }
}

function processContext(name: string): { context: Context; close(): void } {
  let stdin: InputStream | undefined;
  let stdout: OutputStream | undefined;
  let stderr: OutputStream | undefined;
  const groups = new Set<number>();
  const context: Context = {
    name,
    env: process.env,
    node: process.execPath,
    temporaryDirectory: process.env.TMPDIR || "/tmp",
    // The program runs from dist/, beside man/.
    manualDirectory: `${__dirname}/../man`,
    interrupted: interruptions(groups),
    groups,
    signalGroup,
    onReportAsked: (action) => void process.on("SIGUSR1", action),
    setThreads: (count) => {
      // libuv reads it when it starts its threads.
      process.env.UV_THREADPOOL_SIZE ??= `${count}`;
    },
    say: (line) => void context.stderr.write(`${prefixed(name, line)}\n`),
    sayAll: (lines) => writeLines(context.stderr, prefixedLines(name, lines)),
    get stdin(): InputStream {
      stdin ??= standardInput();
      return stdin;
    },
    get stdout(): OutputStream {
      stdout ??= reportingErrors(process.stdout, context);
      return stdout;
    },
    get stderr(): OutputStream {
      stderr ??= reportingErrors(process.stderr, context);
      return stderr;
    },
  };
  return { context, close: () => stdin?.destroy() };
}

function prefixed(name: string, line: string | Buffer): string {
  return `${name}: ${sanitise(line)}`;
}

function* prefixedLines(name: string, lines: Iterable<string | Buffer>): Generator<string, void> {
  for (const line of lines) yield prefixed(name, line);
}

/**
 * Reads a file directly, because creating process.stdin takes as long as everything else put together; and a directory,
 * which process.stdin would treat as empty input, so that it is an error.
 */
function standardInput(): InputStream {
  const kind = fstatSync(STANDARD_INPUT);
  if (!kind.isFile() && !kind.isDirectory()) return process.stdin;
  const chunks = fileChunks(STANDARD_INPUT, null);
  const asFile = kind.isFile() ? { regularFile: STANDARD_INPUT } : {};
  return { ...asFile, [Symbol.asyncIterator]: () => chunks, destroy: () => chunks.return() };
}

/** Signals sent when the caller stops waiting or its terminal closes. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The first signal stops the work, which then reports its results. A second one kills the servers that we started and
 * ends this process at once.
 */
function interruptions(groups: ReadonlySet<number>): AbortSignal {
  const interruption = new AbortController();
  const handle = (handler: (signal: NodeJS.Signals) => void) => {
    for (const signal of INTERRUPTIONS) process.removeAllListeners(signal).on(signal, handler);
  };
  handle((first) => {
    handle((second) => {
      process.removeAllListeners(second);
      for (const group of groups) signalGroup(group, "SIGKILL");
      process.kill(process.pid, second);
    });
    interruption.abort(new Error(first));
  });
  return interruption.signal;
}

/**
 * After Ctrl-C, makes the process die of SIGINT once all output is written: only then does a shell leave its loop as
 * well. SIGTERM and SIGHUP were meant for this process alone.
 */
function exitAsInterrupted({ aborted, reason: why }: AbortSignal): void {
  if (!aborted || reason(why) !== "SIGINT") return;
  process.once("exit", () => {
    process.removeAllListeners("SIGINT");
    process.kill(process.pid, "SIGINT");
  });
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group has already exited.
  }
}

/** Ignores EPIPE, because a reader that goes away changes no delivery, and reports any other write error once. */
function reportingErrors(stream: NodeJS.WriteStream, { say }: Context): OutputStream {
  let reported = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || stream === process.stderr || reported) return;
    reported = true;
    say(`cannot write the results: ${reason(error)}`);
  });
  return stream;
}
