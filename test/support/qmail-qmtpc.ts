import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { launch } from "./in-process.ts";
import { environment, type Finished, finished, LAUNCHER, shell, start } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const QMAIL_QMTPC = new URL("../../bin/qmail-qmtpc", import.meta.url).pathname;

/** From a@x to b@y, in qmail-queue's format. */
export const ENVELOPE = "Fa@x\0Tb@y\0\0";

/** The same for these recipients; one character per byte. */
export const envelopeFor = (...recipients: string[]) =>
  `Fa@x\0${recipients.map((address) => `T${address}\0`).join("")}\0`;

/** A qmail home with these lines in control/qmtpservers, for the environment of a run. */
export function homeWith(...servers: string[]): Record<string, string> {
  const home = temporaryFolder();
  mkdirSync(`${home}/control`);
  writeFileSync(`${home}/control/qmtpservers`, servers.map((line) => `${line}\n`).join(""));
  return { QMAILHOME: home };
}

export interface QueueInput {
  /** One character per byte. */
  readonly message?: string | Buffer;
  readonly envelope?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
}

/** Starts qmail-qmtpc, with sockets for descriptors 0, 1 and 2; nothing is written to them yet. */
export function startQueue(env: NodeJS.ProcessEnv, args: readonly string[] = []): ChildProcess {
  const child = start(process.execPath, [QMAIL_QMTPC, ...args], { env: environment(env), stdio: "pipe" });
  // A reader that has read enough closes the descriptor.
  for (const stream of [child.stdin, child.stdout]) stream?.on("error", () => {});
  return child;
}

/** Descriptor 1 of a process: write to it, or read what the process writes. */
export const envelopeOf = (child: ChildProcess) => child.stdout as unknown as Duplex;

/** Runs qmail-qmtpc to its end. `stdout` of the result is what it wrote to descriptor 1. */
export function queue(input: QueueInput = {}): Promise<Finished> {
  const { message = "hi\n", envelope = ENVELOPE, env = {}, args } = input;
  const child = startQueue(env, args);
  child.stdin?.end(message, "latin1");
  envelopeOf(child).end(envelope, "latin1");
  return finished(child);
}

/** The same in this process, with the envelope in a file, for tests that do not depend on descriptors. */
export async function queueHere(input: QueueInput = {}): Promise<Finished> {
  const { message = "hi\n", envelope = ENVELOPE, env = {}, args = [] } = input;
  const file = `${temporaryFolder()}/envelope`;
  writeFileSync(file, envelope, "latin1");
  const one = openSync(file, "r");
  const bytes = Buffer.from(message as string, "latin1");
  try {
    return await launch("qmail-qmtpc", args, { input: bytes, env: env as Record<string, string>, one });
  } finally {
    closeSync(one);
  }
}

/**
 * Runs a shell command to its end. In it, `$QMTPC` is qmail-qmtpc and `$QMTP` is qmtp; `$MESSAGE` and
 * `$ENVELOPE` are files.
 */
export function queueShell(command: string, input: QueueInput = {}): Promise<Finished> {
  const { message = "hi\n", envelope = ENVELOPE, env = {} } = input;
  const folder = temporaryFolder();
  writeFileSync(`${folder}/message`, message, "latin1");
  writeFileSync(`${folder}/envelope`, envelope, "latin1");
  return shell(command, {
    QMTPC: QMAIL_QMTPC,
    QMTP: LAUNCHER,
    MESSAGE: `${folder}/message`,
    ENVELOPE: `${folder}/envelope`,
    ...(env as Record<string, string>),
  });
}
