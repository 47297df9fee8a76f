import { existsSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ReturnedMessage } from "../../src/bounce/compose.ts";
import * as bounces from "../../src/bounce/return.ts";
import { MessageFileReader } from "../../src/maildir/message-file.ts";
import { type MaildirPackage, type MessageResult, Outcomes, type Sent } from "../../src/maildir/outcomes.ts";
import type { FailurePolicy } from "../../src/maildir/policy.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import { noBounces } from "../support/routes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

vi.mock(import("../../src/bounce/return.ts"));

const reader = new MessageFileReader(Buffer.alloc(0), () => {});

let maildir: string;
let results: string[];
let outcomes: Outcomes;

beforeEach(() => {
  maildir = temporaryFolder();
  for (const folder of ["new", "cur"]) mkdirSync(`${maildir}/${folder}`);
  results = [];
});

afterEach(() => outcomes.close());

function show({ file, delivery, outcome, expired, note, bytes }: MessageResult): string {
  const more = [expired ? "expired" : [], note?.text ?? []].flat();
  return [`${file.name} ${delivery.status} ${outcome}`, ...more, `${bytes} bytes`].join("; ");
}

/** Bounces a message, or says why it cannot. */
type Return = (message: ReturnedMessage & { sent: Sent }) => string | undefined;

const NO_BOUNCES: Return = () => {
  throw new Error("nothing is to be bounced");
};

function start(policy: Partial<FailurePolicy> = {}, returnMessage = NO_BOUNCES): void {
  vi.mocked(bounces.returnMessages).mockImplementation(async (messages, _, onReturned) => {
    for (const message of messages) {
      const text = returnMessage(message as Parameters<Return>[0]);
      onReturned(message, text === undefined ? undefined : { text });
    }
  });
  outcomes = new Outcomes({
    maildir,
    policy: { bounce: false, lifetimeMs: undefined, ...policy },
    bounces: noBounces(),
    onResult: (result) => results.push(show(result)),
  });
}

/** A message of two bytes in new/. */
function put(name: string, sender = "a@x"): MaildirPackage {
  const path = `${maildir}/new/${name}`;
  writeFileSync(path, `Return-Path: <${sender}>\nDelivered-To: b@y\nhi`);
  const { size, mtimeMs } = statSync(path);
  return reader.read({ name: `new/${name}`, path, bytes: size, mtimeMs }) as MaildirPackage;
}

const answer = (status: Delivery["status"]): Delivery => ({
  recipient: Buffer.from("b@y"),
  status,
  text: Buffer.from("said"),
  origin: "server",
  possibleDuplicate: false,
});

const sent = (pkg: MaildirPackage, delivery: Delivery): Sent => ({ pkg, delivery, session: undefined });

const isThere = (name: string) => existsSync(`${maildir}/${name}`);

test("a file is removed after a success and kept otherwise; results follow the order of responses", async () => {
  start();
  outcomes.answered(sent(put("1"), answer("deferral")));
  outcomes.answered(sent(put("2"), answer("success")));
  outcomes.answered(sent(put("3"), answer("failure")));
  outcomes.answered(sent(put("4"), answer("success")));
  outcomes.keep(sent(put("5"), answer("deferral")), false, { text: "why" });
  await outcomes.complete();
  expect(results).toEqual([
    "new/1 deferral kept; 2 bytes",
    "new/2 success removed; 2 bytes",
    "new/3 failure kept; 2 bytes",
    "new/4 success removed; 2 bytes",
    "new/5 deferral kept; why; 2 bytes",
  ]);
  expect(["1", "2", "3", "4", "5"].filter((name) => isThere(`new/${name}`))).toEqual(["1", "3", "5"]);
});

describe("a file to be removed", () => {
  test("is found after a mail reader has moved it", async () => {
    start();
    const pkg = put("1");
    renameSync(`${maildir}/new/1`, `${maildir}/cur/1:2,S`);
    outcomes.answered(sent(pkg, answer("success")));
    await outcomes.complete();
    expect(results).toEqual(["new/1 success removed; 2 bytes"]);
    expect(isThere("cur/1:2,S")).toBe(false);
  });

  test("may already be gone", async () => {
    start();
    const pkg = put("1");
    renameSync(`${maildir}/new/1`, `${maildir}/elsewhere`);
    outcomes.answered(sent(pkg, answer("success")));
    await outcomes.complete();
    expect(results).toEqual(["new/1 success removed; 2 bytes"]);
  });

  test("that cannot be is kept, with a note that it will be delivered twice", async () => {
    start();
    const pkg = put("1");
    // A folder in its place cannot be unlinked.
    renameSync(`${maildir}/new/1`, `${maildir}/elsewhere`);
    mkdirSync(`${maildir}/new/1`);
    outcomes.answered(sent(pkg, answer("success")));
    await outcomes.complete();
    expect(results).toEqual([
      expect.stringMatching(
        /^new\/1 success kept; it will be delivered twice: cannot remove the file: [^;]+; 2 bytes$/,
      ),
    ]);
  });

  test("is removed as a link, and its target is not", async () => {
    start();
    const pkg = put("1");
    renameSync(`${maildir}/new/1`, `${maildir}/elsewhere`);
    symlinkSync("../elsewhere", `${maildir}/new/1`);
    outcomes.answered(sent(pkg, answer("success")));
    await outcomes.complete();
    expect(isThere("elsewhere")).toBe(true);
  });
});

describe("a bounced message", () => {
  const bouncing: FailurePolicy = { bounce: true, lifetimeMs: undefined };

  test("is returned when the session ends, and removed only if its bounce was accepted", async () => {
    const bounced: string[] = [];
    start(bouncing, ({ file, sent: { delivery } }) => {
      bounced.push(`${file.name} ${delivery.status} ${delivery.text}`);
      expect(isThere(file.name)).toBe(true);
      return file.name === "new/2" ? "no queue" : undefined;
    });
    for (const name of ["1", "2"]) outcomes.answered(sent(put(name), answer("failure")));
    outcomes.answered(sent(put("3"), answer("deferral")));
    outcomes.answered(sent(put("4"), answer("success")));
    expect(bounced).toEqual([]);
    await outcomes.complete();
    expect(bounced).toEqual(["new/1 failure said", "new/2 failure said"]);
    expect(results).toEqual([
      "new/3 deferral kept; 2 bytes",
      "new/4 success removed; 2 bytes",
      "new/1 failure bounced; 2 bytes",
      "new/2 failure kept; not bounced: no queue; 2 bytes",
    ]);
    expect(["1", "2", "3", "4"].filter((name) => isThere(`new/${name}`))).toEqual(["2", "3"]);
    // Once, however often completion runs.
    await outcomes.complete();
    expect(bounced.length).toBe(2);
  });

  test("whose file cannot be removed will be sent again, and says so", async () => {
    start(bouncing, () => undefined);
    const pkg = put("1");
    renameSync(`${maildir}/new/1`, `${maildir}/elsewhere`);
    mkdirSync(`${maildir}/new/1`);
    outcomes.answered(sent(pkg, answer("failure")));
    await outcomes.complete();
    expect(results[0]).toMatch(/^new\/1 failure kept; it will be sent again: cannot remove the file: /);
  });

  test("counts as a failure if its deferral has expired", async () => {
    const statuses: string[] = [];
    start({ bounce: true, lifetimeMs: 1_000 }, ({ sent: { delivery }, expired }) => {
      statuses.push(`${delivery.status} ${expired}`);
      return undefined;
    });
    const old = put("1");
    outcomes.answered(
      sent({ ...old, file: { ...old.file, mtimeMs: Date.now() - 2_000 } }, answer("deferral")),
    );
    outcomes.answered(sent(put("2"), answer("failure")));
    const young = put("3");
    outcomes.answered(
      sent({ ...young, file: { ...young.file, mtimeMs: Date.now() + 60_000 } }, answer("deferral")),
    );
    await outcomes.complete();
    expect(statuses).toEqual(["failure true", "failure false"]);
    expect(results).toEqual([
      "new/3 deferral kept; 2 bytes",
      "new/1 failure bounced; expired; 2 bytes",
      "new/2 failure bounced; 2 bytes",
    ]);
  });

  test("that bounces again is discarded", async () => {
    start(bouncing);
    outcomes.answered(sent(put("1", "#@[]"), answer("failure")));
    await outcomes.complete();
    expect(results).toEqual(["new/1 failure discarded; 2 bytes"]);
    expect(isThere("new/1")).toBe(false);
  });
});

test("sending waits while the files of more than 2,048 messages are unsettled", async () => {
  start();
  const pkg = put("1");
  for (let count = 0; count < 2_048; count++) outcomes.keep(sent(pkg, answer("deferral")));
  expect(outcomes.waitForRoom()).toBeUndefined();
  outcomes.keep(sent(pkg, answer("deferral")));
  const room = outcomes.waitForRoom();
  expect([room, results.length]).toEqual([expect.any(Promise), 0]);
  await room;
  expect(results.length).toBeGreaterThan(0);
  expect(outcomes.waitForRoom()).toBeUndefined();
  await outcomes.complete();
  expect(results.length).toBe(2_049);
});
