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
import type { MaildirPackage, MessageResult } from "../../src/maildir/outcomes.ts";
import { deliverMaildir } from "../../src/maildir/rounds.ts";
import { connectionPair } from "../session/pair.ts";
import { LIMITS, startConversation } from "../session/sending.ts";
import { noBounces, routeThrough } from "../support/routes.ts";
import { watch } from "../support/watched-sessions.ts";

vi.mock(import("../../src/client/deliver.ts"), async (original) =>
  (await import("../support/watched-sessions.ts")).watched(await original()),
);

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

/** Delivers it to a sink in memory; reports how many sessions it took. */
async function deliver(sessionMs: number, onTaken: (name: string) => void = () => {}) {
  const results: MessageResult[] = [];
  const unusable: string[] = [];
  let sessions = 0;
  watch.taken = (pkg) => onTaken((pkg as MaildirPackage).file.name);
  const leftOver = await deliverMaildir({
    maildir,
    prefix: Buffer.alloc(0),
    policy: { bounce: false, lifetimeMs: undefined },
    startedAt: Date.now(),
    route: routeThrough(
      () => {
        sessions++;
        const { client, server } = connectionPair();
        startConversation(server);
        return client;
      },
      { ...LIMITS, sessionMs },
    ),
    bounces: noBounces(),
    onResult: (result) => results.push(result),
    onUnusable: ({ name, why }) => unusable.push(`${name}: ${why}`),
  });
  const lines = results.map(({ file, delivery, outcome }) => `${file.name} ${delivery.status} ${outcome}`);
  return { leftOver, sessions, lines, texts: results.map(({ delivery }) => `${delivery.text}`), unusable };
}

test("a session whose time is up takes no more messages, and later ones deliver the rest", async () => {
  for (let index = 0; index < 50; index++) put(`m${index}`, index, "hi\n");
  // A clock that advances by a second each time it is read.
  let seconds = 0;
  vi.spyOn(process, "hrtime").mockImplementation(() => [++seconds, 0]);
  const { leftOver, sessions, lines } = await deliver(20_000);
  expect(sessions).toBeGreaterThan(2);
  expect(leftOver).toBe(false);
  expect(lines).toEqual(Array.from({ length: 50 }, (_, index) => `new/m${index} success removed`));
});

describe.each<[string, (path: string) => void]>([
  ["grows", (path) => appendFileSync(path, "more\n")],
  ["shrinks", (path) => truncateSync(path, 100_000)],
])("a large file that %s while it is sent", (_, change) => {
  test("is never completed and has one result, and the others are delivered", async () => {
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

test("a small file that changes between listing and reading is reported and skipped", async () => {
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
