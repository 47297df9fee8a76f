import { expect } from "vitest";
import { startSink } from "../../support/in-process.ts";
import {
  deliverMaildir,
  type FakeQueue,
  filesLeft,
  type MaildirEntry,
  maildirWith,
} from "../../support/maildirs.ts";

export interface MaildirCase {
  readonly files: Readonly<Record<string, MaildirEntry>>;
  readonly options?: readonly string[];
  readonly prefix?: string;
  /** The qmail-queue for bounces. */
  readonly queue?: FakeQueue;
  /** What the sink prints for each package, in order. */
  readonly received?: readonly string[];
  readonly left: readonly string[];
  /** Standard output and standard error, line by line. */
  readonly out?: readonly string[];
  readonly err?: readonly string[];
  readonly code: number;
}

const lines = (text: readonly string[] = []) => text.map((line) => `${line}\n`).join("");

/** Runs a case against a sink that refuses `no...` and defers `later...`, and checks everything visible from outside. */
export async function expectCase(row: MaildirCase): Promise<void> {
  const maildir = maildirWith(row.files);
  const sink = await startSink(["--reject", "^no", "--defer", "^later"]);
  const args = ["-s", sink.endpoint, ...(row.options ?? [])];
  const run = await deliverMaildir(maildir, args, row.prefix, row.queue?.env);
  expect(run).toEqual({ code: row.code, signal: null, stdout: lines(row.out), stderr: lines(row.err) });
  expect(filesLeft(maildir)).toEqual([...row.left].sort());
  if (row.received !== undefined) expect((await sink.stop()).stdout).toBe(lines(row.received));
}
