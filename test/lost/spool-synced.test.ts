import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { environment, finished, LAUNCHER, startGroup, stopAll } from "../support/processes.ts";
import { callsIn, needsStrace } from "../support/strace.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

afterEach(stopAll);

/** More than wait for the disk together. */
const COUNT = 150;
const TRACED = "--trace=fsync,fdatasync,rename,renameat,renameat2,write,writev";

/** `qmtp send --spool` with no server, and what it did to the spool and to standard output, in order. */
async function tracedSend(inject: (spool: string) => readonly string[] = () => []) {
  const folder = temporaryFolder();
  const list = Array.from({ length: COUNT }, (_, index) => `${index}@y\n`);
  writeFileSync(`${folder}/list`, list.join(""));
  const strace = [
    "-f",
    "-y",
    TRACED,
    ...inject(`${folder}/spool`),
    "-o",
    `${folder}/calls`,
    process.execPath,
    LAUNCHER,
  ];
  const send = ["send", "-s", "unix:/none", "-f", "a@x", "--body", "hi", "--to-file", `${folder}/list`];
  const child = startGroup("strace", [...strace, ...send, "--spool", `${folder}/spool`], {
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = await finished(child);
  const steps = callsIn(readFileSync(`${folder}/calls`, "latin1")).flatMap((call) => {
    const [, synced] = /^f\w*sync\(\d+<[^>]*\/spool\/tmp\/([^>]+)>\) += 0/.exec(call) ?? [];
    if (synced !== undefined) return [`synced ${synced}`];
    const [, renamed] = /^rename.*\/spool\/tmp\/.*\/spool\/new\/([^"]+)".* = 0/.exec(call) ?? [];
    if (renamed !== undefined) return [`renamed ${renamed}`];
    if (/^f\w*sync\(\d+<[^>]*\/spool\/new>\) += 0/.test(call)) return ["names synced"];
    return /^write\(\d+<[^>]*>, "0@y: /.test(call) ? ["promised"] : [];
  });
  return { ...ended, steps };
}

test("send syncs each spooled message, then its name, and promises nothing before", async (context) => {
  needsStrace(context, "the order of the system calls of --spool");
  const { code, stdout, steps } = await tracedSend();
  expect([code, stdout.match(/\(spooled\)\n/g)?.length]).toEqual([0, COUNT]);
  const renamed = steps.filter((step) => step.startsWith("renamed"));
  expect(renamed.length).toBe(COUNT);
  for (const step of renamed) {
    const name = step.replace("renamed ", "");
    expect(steps.indexOf(`synced ${name}`), name).toBeGreaterThanOrEqual(0);
    expect(steps.indexOf(`synced ${name}`), name).toBeLessThan(steps.indexOf(step));
  }
  // The directory once, after the last name.
  const others = steps.filter((step) => !step.startsWith("synced"));
  expect(others).toEqual([...renamed, "names synced", "promised"]);
});

test("if the names cannot be synced, send promises nothing", async (context) => {
  needsStrace(context, "a directory of --spool that cannot be synced");
  const inject = (spool: string) => ["--trace-path", `${spool}/new`, "--inject=fsync:error=EIO"];
  const { code, stdout, stderr } = await tracedSend(inject);
  expect([code, stdout.split("\n").length, stdout.includes("spooled")]).toEqual([111, COUNT + 1, false]);
  expect(stderr).toMatch(/^qmtp: cannot store [^\n]+: input\/output error; [^\n]+\n$/);
});
