import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { expect } from "vitest";
import { type Finished, qmtp, startSink } from "../processes.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** Seconds since its last change, and what is in it, a character for each byte. */
export type MaildirEntry = readonly [age: number, content: string];

/** A file as qmail-local puts it into a maildir. */
export function mail(recipient: string, body = "Subject: x\n\nhi\n", sender = "a@x"): string {
  return `Return-Path: <${sender}>\nDelivered-To: ${recipient}\n${body}`;
}

/** A maildir with files, by their paths below it; it goes with the test. */
export function maildirWith(files: Readonly<Record<string, MaildirEntry>>): string {
  const maildir = `${temporaryFolder()}/maildir`;
  for (const folder of ["", "/tmp", "/new", "/cur"]) mkdirSync(`${maildir}${folder}`);
  for (const [path, [age, content]] of Object.entries(files)) {
    writeFileSync(`${maildir}/${path}`, content, "latin1");
    grow(`${maildir}/${path}`, age);
  }
  return maildir;
}

/** Makes a file, or a link itself, look that many seconds old. */
export function grow(path: string, age: number): void {
  const then = Date.now() / 1_000 - age;
  utimesSync(path, then, then);
}

/** What is in tmp, new and cur, sorted; a character for each byte of a name. */
export function filesLeft(maildir: string): string[] {
  const names = ["tmp", "new", "cur"].flatMap((folder) =>
    readdirSync(`${maildir}/${folder}`, "latin1").map((name) => `${folder}/${name}`),
  );
  return names.sort();
}

export interface FakeQueue {
  /** For the environment of a run: nothing of this machine's qmail takes part. */
  readonly env: Record<string, string>;
  /** What was written to it, run after run; "" where it did not run. */
  readonly message: string;
  readonly envelope: string;
}

/**
 * A qmail home whose qmail-queue keeps what it is given, and ends with an exit code.
 * @param control its control files, by name
 */
export function fakeQueue(exitCode = 0, control: Readonly<Record<string, string>> = {}): FakeQueue {
  const home = temporaryFolder();
  for (const folder of ["bin", "control"]) mkdirSync(`${home}/${folder}`);
  const program = `${home}/bin/qmail-queue`;
  // Descriptor 1 is read: it holds the envelope.
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

/** A qmail home in which there is nothing. */
export function emptyQmailHome(): Record<string, string> {
  return { QMAILHOME: temporaryFolder(), QMAILQUEUE: "" };
}

/** Runs `qmtp maildir`; the sink's times and numbers in "ok 1795475332 qp 1" go, as nobody can know them. */
export async function deliverMaildir(
  maildir: string,
  args: readonly string[],
  prefix = "",
  env: Record<string, string> = emptyQmailHome(),
): Promise<Finished> {
  const run = await qmtp(["maildir", ...args, maildir, prefix], { env });
  return { ...run, stdout: run.stdout.replace(/\bok \d{10} qp \d+/g, "ok") };
}

export interface MaildirCase {
  readonly files: Readonly<Record<string, MaildirEntry>>;
  readonly options?: readonly string[];
  readonly prefix?: string;
  /** Sinks refuse `no...` and defer `later...`. */
  readonly queue?: FakeQueue;
  /** What the sink prints of each package, in order. */
  readonly received?: readonly string[];
  readonly left: readonly string[];
  /** Standard output and standard error, by their lines. */
  readonly out?: readonly string[];
  readonly err?: readonly string[];
  readonly code: number;
}

const lines = (text: readonly string[] = []) => text.map((line) => `${line}\n`).join("");

/** Runs a case against a sink, and compares everything that can be seen from outside. */
export async function expectCase(row: MaildirCase): Promise<void> {
  const maildir = maildirWith(row.files);
  const sink = await startSink(["--reject", "^no", "--defer", "^later"]);
  const args = ["-s", sink.endpoint, ...(row.options ?? [])];
  const run = await deliverMaildir(maildir, args, row.prefix, row.queue?.env);
  expect(run).toEqual({ code: row.code, signal: null, stdout: lines(row.out), stderr: lines(row.err) });
  expect(filesLeft(maildir)).toEqual([...row.left].sort());
  if (row.received !== undefined) expect((await sink.stop()).stdout).toBe(lines(row.received));
}
