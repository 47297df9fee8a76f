import { closeSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { encodeQueueEnvelope } from "../envelope/queue-envelope.ts";
import { reason } from "../errors.ts";
import type { Package } from "../protocol/package.ts";
import { spawn } from "../subprocess.ts";

export interface QmailQueueOptions {
  /** $QMAILQUEUE, or the one in the qmail home. */
  readonly program: string;
  /** The program runs here, if it is there. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where message and envelope are kept while the program runs. */
  readonly temporaryDirectory: string;
  /** Milliseconds until a program that does not end is stopped. */
  readonly timeoutMs: number;
  /** Asks the program to end. */
  readonly signal: AbortSignal;
}

/** qmail-queue(8)'s exit codes that a person can do something about. */
const MEANING: Readonly<Record<number, string>> = {
  31: "it refuses the message",
  51: "out of memory",
  53: "it cannot write; is the disk full?",
  54: "it cannot read the message",
  61: "trouble with the qmail home",
  62: "trouble with the queue",
  71: "it refuses the message for now",
  91: "it does not understand the envelope",
};

/**
 * Gives a package to qmail-queue(8): the message on descriptor 0, the envelope on descriptor 1.
 * @returns why it was not accepted, or undefined
 */
export async function queuePackage(pkg: Package, options: QmailQueueOptions): Promise<string | undefined> {
  const descriptors: number[] = [];
  try {
    descriptors.push(await kept(pkg.message.chunks(), options));
    descriptors.push(await kept(encodeQueueEnvelope(pkg.sender, pkg.recipients), options));
    return await run(descriptors as [number, number], options);
  } catch (error) {
    return reason(error);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

/** A file that is read from its beginning, has no name, and goes when it is closed. */
async function kept(
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
  { temporaryDirectory }: QmailQueueOptions,
): Promise<number> {
  const path = `${temporaryDirectory}/qmtp-${crypto.randomUUID()}`;
  const writing = openSync(path, "wx", 0o600);
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += writeSync(writing, piece, at);
    }
    return openSync(path, "r");
  } finally {
    closeSync(writing);
    unlinkSync(path);
  }
}

function run([message, envelope]: [number, number], options: QmailQueueOptions): Promise<string | undefined> {
  const { program, home, env, timeoutMs, signal } = options;
  const cwd = statSync(home, { throwIfNoEntry: false })?.isDirectory() ? home : "/";
  return new Promise((resolve) => {
    const child = spawn(program, [], { cwd, env, stdio: [message, envelope, "inherit"] });
    // Not spawn's own limit, whose timer outlives a program that could not be started.
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const interrupt = () => child.kill("SIGTERM");
    signal.addEventListener("abort", interrupt);
    const ended = (problem: string | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", interrupt);
      resolve(problem);
    };
    child.once("error", (error) => ended(`cannot run ${program}: ${reason(error)}`));
    child.once("exit", (code, by) => {
      if (code === 0) ended(undefined);
      else if (code === null) ended(`${program} was ended by ${by}`);
      else ended(`${program} ended with exit code ${code}${MEANING[code] ? ` (${MEANING[code]})` : ""}`);
    });
  });
}
