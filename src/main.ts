import { fstatSync } from "node:fs";
import type { Context, Input, Output } from "./context.ts";
import { reason } from "./errors.ts";
import { fileChunks } from "./message/file-chunks.ts";
import { argsFor, howItFailed, isAnswer, run } from "./program.ts";
import { sanitise } from "./report/sanitise.ts";

/** Runs what a launcher is for with the arguments of this process, and sets its exit code. */
export async function main(launcher = "qmtp"): Promise<void> {
  const context = processContext(launcher);
  try {
    context.args = argsFor(launcher, context.args);
    process.exitCode = await run(context);
  } catch (error) {
    if (isAnswer(error)) return;
    const { line, exitCode } = howItFailed(error, context.args);
    process.exitCode = exitCode;
    if (line !== "") context.stderr.write(`${launcher}: ${sanitise(line)}\n`);
  } finally {
    // Standard input may be a pipe that nobody closes: it must not keep the process.
    context.close();
  }
}

function processContext(name: string): Context & { args: readonly string[]; close(): void } {
  let stdin: Input | undefined;
  let stdout: Output | undefined;
  let stderr: Output | undefined;
  const groups = new Set<number>();
  return {
    name,
    args: process.argv.slice(2),
    env: process.env,
    interrupted: interruptions(groups),
    groups,
    signalGroup,
    close: () => stdin?.destroy(),
    get stdin(): Input {
      stdin ??= standardInput();
      return stdin;
    },
    get stdout(): Output {
      stdout ??= guarded(process.stdout);
      return stdout;
    },
    get stderr(): Output {
      stderr ??= guarded(process.stderr);
      return stderr;
    },
  };
}

/**
 * A file is read at once, without the machinery of process.stdin, which would cost as much as all the rest; and
 * of a directory, process.stdin would make an empty input.
 */
function standardInput(): Input {
  const kind = fstatSync(0);
  if (!kind.isFile() && !kind.isDirectory()) return process.stdin;
  const chunks = fileChunks(0, null);
  return { [Symbol.asyncIterator]: () => chunks, destroy: () => chunks.return() };
}

/** Whoever runs us does not wait any longer, or has gone with the terminal. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The first of these signals ends the work and lets it report; a second one ends the process, and at once those
 * that must not outlive it.
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

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // Nobody is left, which is what signals to groups are for.
  }
}

/** A reader that went away takes nothing from what was delivered; any other failure to write is said. */
function guarded(stream: NodeJS.WriteStream): Output {
  let said = false;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || stream === process.stderr || said) return;
    said = true;
    process.stderr.write(`qmtp: cannot write the results: ${reason(error)}\n`);
  });
  return stream;
}
