import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { qmtp } from "./in-process.ts";
import type { Finished } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Seconds since its last change, and its content, one character per byte. */
export type MaildirEntry = readonly [age: number, content: string];

/** A file as qmail-local delivers it to a maildir. */
export function mail(recipient: string, body = "Subject: x\n\nhi\n", sender = "a@x"): string {
  return `Return-Path: <${sender}>\nDelivered-To: ${recipient}\n${body}`;
}

/** A maildir with files, by their paths in it; it is removed with the test. */
export function maildirWith(files: Readonly<Record<string, MaildirEntry>>): string {
  const maildir = `${temporaryFolder()}/maildir`;
  for (const folder of ["", "/tmp", "/new", "/cur"]) mkdirSync(`${maildir}${folder}`);
  for (const [path, [age, content]] of Object.entries(files)) {
    writeFileSync(`${maildir}/${path}`, content, "latin1");
    grow(`${maildir}/${path}`, age);
  }
  return maildir;
}

/** Makes a file, or a link itself, look this many seconds old. */
export function grow(path: string, age: number): void {
  const then = Date.now() / 1_000 - age;
  utimesSync(path, then, then);
}

/** The names in tmp, new and cur, sorted; one character per byte. */
export function filesLeft(maildir: string): string[] {
  const names = ["tmp", "new", "cur"].flatMap((folder) =>
    readdirSync(`${maildir}/${folder}`, "latin1").map((name) => `${folder}/${name}`),
  );
  return names.sort();
}

export interface FakeQueue {
  /** For the environment of a run: this machine's own qmail is not used. */
  readonly env: Record<string, string>;
  /** qmail-queue's input, of all runs; "" if it did not run. */
  readonly message: string;
  readonly envelope: string;
}

/**
 * A qmail home whose qmail-queue stores its input and exits with a code.
 * @param control the control files, by name
 */
export function fakeQueue(exitCode = 0, control: Readonly<Record<string, string>> = {}): FakeQueue {
  const home = temporaryFolder();
  for (const folder of ["bin", "control"]) mkdirSync(`${home}/${folder}`);
  const program = `${home}/bin/qmail-queue`;
  // Descriptor 1 is an input, the envelope.
  writeFileSync(
    program,
    `#!/bin/sh\ncat >> "$0.message"\ncat <&1 >> "$0.envelope"\npwd > "$0.folder"\nexit ${exitCode}\n`,
  );
  chmodSync(program, 0o755);
  for (const [name, text] of Object.entries(control)) writeFileSync(`${home}/control/${name}`, text);
  const kept = (what: string) => {
    const path = `${program}.${what}`;
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  };
  return {
    env: { QMAILHOME: home, QMAILQUEUE: "" },
    get message() {
      return kept("message");
    },
    get envelope() {
      return kept("envelope");
    },
  };
}

/** An empty qmail home. */
export function emptyQmailHome(): Record<string, string> {
  return { QMAILHOME: temporaryFolder(), QMAILQUEUE: "" };
}

/** Runs `qmtp maildir`; removes the sink's times and numbers, as in "ok 1795475332 qp 1", which vary. */
export async function deliverMaildir(
  maildir: string,
  args: readonly string[],
  prefix = "",
  env: Record<string, string> = emptyQmailHome(),
): Promise<Finished> {
  const run = await qmtp(["maildir", ...args, maildir, prefix], { env });
  return { ...run, stdout: run.stdout.replace(/\bok \d{10} qp \d+/g, "ok") };
}
