import { spawn } from "node:child_process";
import { closeSync, statSync } from "node:fs";
import { encodeQueueEnvelope } from "../envelope/queue-envelope.ts";
import { reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { Environment } from "../io/environment.ts";
import { openTemporaryFile, writeWhole } from "../io/temporary-file.ts";
import type { Package } from "../protocol/package.ts";
import { qmailHome } from "./control.ts";

export interface QmailQueue {
  readonly program: string;
  /** The program's working directory, if it exists. */
  readonly home: string;
  readonly env: Environment;
  /** For the files that the program reads the message and the envelope from. */
  readonly temporaryDirectory: string;
  /** Milliseconds after which the program is killed. */
  readonly timeoutMs: number;
}

/** Those of qmail-queue(8)'s exit codes that a person can act on. */
const MEANINGS: Readonly<Record<number, string>> = {
  31: "it refuses the message",
  51: "out of memory",
  53: "it cannot write; is the disk full?",
  54: "it cannot read the message",
  61: "a problem with the qmail home",
  62: "a problem with the queue",
  71: "it refuses the message for now",
  91: "it does not understand the envelope",
};

/** The qmail-queue to run: $QMAILQUEUE, or the one in the qmail home. */
export function queueProgram(env: Environment): string {
  return env.QMAILQUEUE || `${qmailHome(env)}/bin/qmail-queue`;
}

/**
 * Hands a package to qmail-queue(8): the message on descriptor 0, the envelope on descriptor 1.
 * @param signal when aborted, sends SIGTERM to the program
 * @returns why the package was not accepted, or undefined if it was
 */
export async function queuePackage(
  pkg: Package,
  queue: QmailQueue,
  signal: AbortSignal,
): Promise<string | undefined> {
  const descriptors: number[] = [];
  try {
    descriptors.push(await fileOf(pkg.message.chunks(), queue));
    descriptors.push(await fileOf(encodeQueueEnvelope(pkg.sender, pkg.recipients), queue));
    return await run(descriptors as [number, number], queue, signal);
  } catch (error) {
    return reason(error);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

/** Writes a temporary file. The descriptor's position stays at its start, where the program begins to read. */
async function fileOf(
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
  { temporaryDirectory }: QmailQueue,
): Promise<number> {
  const fd = openTemporaryFile(temporaryDirectory);
  try {
    let length = 0;
    for await (const piece of pieces) {
      writeWhole(fd, piece, length);
      length += piece.length;
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function run(
  [message, envelope]: [number, number],
  { program, home, env, timeoutMs }: QmailQueue,
  signal: AbortSignal,
): Promise<string | undefined> {
  const cwd = statSync(home, { throwIfNoEntry: false })?.isDirectory() ? home : "/";
  return new Promise((resolve) => {
    const child = spawn(program, [], { cwd, env, stdio: [message, envelope, "inherit"] });
    // Not spawn's timeout option: its timer outlives a program that could not be started.
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const stopListening = onAbort(signal, () => child.kill("SIGTERM"));
    const ended = (problem: string | undefined) => {
      clearTimeout(timer);
      stopListening();
      resolve(problem);
    };
    child.once("error", (error) => ended(`cannot run ${program}: ${reason(error)}`));
    child.once("exit", (code, by) => {
      if (code === 0) ended(undefined);
      else if (code === null) ended(`${program} was killed by ${by}`);
      else ended(`${program} ended with exit code ${code}${MEANINGS[code] ? ` (${MEANINGS[code]})` : ""}`);
    });
  });
}
