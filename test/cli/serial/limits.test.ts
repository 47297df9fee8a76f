import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Duplex, Writable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { mail } from "../../support/maildirs.ts";
import { finished, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { startTimeless } from "../../support/virtual-clock.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

// serialqmtp's timeouts in milliseconds. The session has no limit, so its timer is the longest Node allows.
const WRITE = 73_000;
const READ = 3_600_000;
const SESSION = 2 ** 31 - 1;

/** Starts `qmtp serial` on a file; `sent` is the stream to the server. */
function startSerial(body: string) {
  const path = `${temporaryFolder()}/message`;
  writeFileSync(path, mail("b@y", body));
  const { child, pass } = startTimeless(["serial", ""], 7);
  const [replies, sent] = child.stdio.slice(6) as unknown as [Duplex, Duplex];
  for (const stream of [replies, sent, child.stdin]) stream?.on("error", () => {});
  (child.stdin as Writable).end(`${path}\0`);
  return { path, replies, sent, pass, done: finished(child) };
}

const gaveUp = (limit: string) => ({
  code: 111,
  signal: null,
  stdout: "",
  stderr: `qmtp: idle for ${limit}\n`,
});

test("a server that does not read is given up on after 73 seconds", async () => {
  // More than the kernel buffers for a server that does not read.
  const { sent, pass, done } = startSerial("x".repeat(4_000_000));
  await once(sent, "readable");
  expect(await pass(0)).toEqual([WRITE, READ, SESSION]);
  expect(await pass(WRITE - 1)).toEqual([1, READ - WRITE + 1, SESSION - WRITE + 1]);
  await pass(1);
  expect(await done).toEqual(gaveUp("73 s"));
});

test("a server that does not respond is given up on after an hour", async () => {
  const { sent, pass, done } = startSerial("hi");
  const { length } = wirePackage({ message: "hi" });
  while (sent.readableLength < length) await once(sent, "readable");
  expect(await pass(0)).toEqual([READ, SESSION]);
  expect(await pass(READ - 1)).toEqual([1, SESSION - READ + 1]);
  await pass(1);
  expect(await done).toEqual(gaveUp("3600 s"));
});

test("a response just within the hour still counts", async () => {
  const { path, replies, sent, pass, done } = startSerial("hi");
  const { length } = wirePackage({ message: "hi" });
  while (sent.readableLength < length) await once(sent, "readable");
  await pass(READ - 1);
  replies.write("3:Kok,");
  expect(await done).toEqual({ code: 0, signal: null, stdout: `${path}\0Kok\n`, stderr: "" });
});
