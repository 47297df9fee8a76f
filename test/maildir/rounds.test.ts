import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MaildirPackage, MessageResult } from "../../src/maildir/consequences.ts";
import { deliverMaildir } from "../../src/maildir/rounds.ts";
import type { PackageSource } from "../../src/protocol/package.ts";
import { runSession } from "../../src/session/session.ts";
import { LIMITS, startConversation } from "../session/conversing.ts";
import { connectionPair } from "../session/pair.ts";

let maildir: string;

beforeEach(() => {
  maildir = mkdtempSync(`${tmpdir()}/qmtp-rounds-`);
  for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(maildir, { recursive: true });
});

/** Oldest first. */
function put(name: string, order: number, body: string): void {
  const path = `${maildir}/new/${name}`;
  writeFileSync(path, `Return-Path: <a@x>\nDelivered-To: ${name}@y\n${body}`);
  utimesSync(path, 1_000 + order, 1_000 + order);
}

/** Delivers it to a sink in memory; tells how many sessions it took. */
async function deliver(sessionMs: number, onTaken: (name: string) => void = () => {}) {
  const results: MessageResult[] = [];
  const unusable: string[] = [];
  let sessions = 0;
  const watched = (packages: PackageSource<MaildirPackage>): PackageSource<MaildirPackage> => ({
    next: () => {
      const next = packages.next();
      if (!(next instanceof Promise) && !next.done) onTaken(next.value.file.name);
      return next;
    },
  });
  const leftOver = await deliverMaildir({
    maildir,
    prefix: Buffer.alloc(0),
    policy: { bounce: false, lifetimeMs: undefined },
    startedAt: Date.now(),
    sessionMs,
    converse: async (packages, onSettled) => {
      sessions++;
      const { client, server } = connectionPair();
      startConversation(server);
      const { cause } = await runSession(client, watched(packages), { limits: LIMITS, onSettled });
      return cause?.words.unsent;
    },
    bounce: () => Promise.reject(new Error("nothing is to be bounced")),
    onResult: (result) => results.push(result),
    onUnusable: ({ name, why }) => unusable.push(`${name}: ${why}`),
    signal: new AbortController().signal,
  });
  const lines = results.map(({ file, delivery, outcome }) => `${file.name} ${delivery.status} ${outcome}`);
  return { leftOver, sessions, lines, texts: results.map(({ delivery }) => `${delivery.text}`), unusable };
}

test("a session whose time is over takes no more messages, and further ones deliver the rest", async () => {
  for (let index = 0; index < 50; index++) put(`m${index}`, index, "hi\n");
  // A clock that goes on by a millisecond whenever it is looked at.
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now++);
  const { leftOver, sessions, lines } = await deliver(20);
  expect(sessions).toBeGreaterThan(2);
  expect(leftOver).toBe(false);
  expect(lines).toEqual(Array.from({ length: 50 }, (_, index) => `new/m${index} success removed`));
});

describe.each<[string, (path: string) => void]>([
  ["grows", (path) => appendFileSync(path, "more\n")],
  ["shrinks", (path) => truncateSync(path, 100_000)],
])("a large file that %s while it is sent", (_, change) => {
  test("is never completed, has one result, and the others are delivered", async () => {
    put("large", 0, "x".repeat(200_000));
    put("small", 1, "hi\n");
    const run = await deliver(60_000, (name) => {
      if (name === "new/large") change(`${maildir}/${name}`);
    });
    expect(run.lines).toEqual(["new/large deferral kept", "new/small success removed"]);
    expect(run.texts[0]).toBe("new/large changed while it was sent; the message was not completed");
    expect(run.leftOver).toBe(true);
    expect(readdirSync(`${maildir}/new`)).toEqual(["large"]);
  });
});

test("a small file that changes between listing and reading is skipped with a word, and the others go on", async () => {
  put("first", 0, "hi\n");
  put("second", 1, "hi\n");
  put("third", 2, "hi\n");
  const run = await deliver(60_000, (name) => {
    if (name === "new/first") appendFileSync(`${maildir}/new/second`, "more\n");
  });
  expect(run.unusable).toEqual(["new/second: it changed while it was read"]);
  expect(run.lines).toEqual(["new/first success removed", "new/third success removed"]);
  expect(run.leftOver).toBe(true);
});
