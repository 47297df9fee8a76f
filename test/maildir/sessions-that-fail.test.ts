import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { returnMessages } from "../../src/bounce/return.ts";
import * as client from "../../src/client/deliver.ts";
import { QmtpError } from "../../src/errors.ts";
import type { MaildirPackage, MessageResult } from "../../src/maildir/outcomes.ts";
import { deliverMaildir, type RoundsOptions } from "../../src/maildir/rounds.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Package, PackageSource } from "../../src/protocol/package.ts";
import { causeOf } from "../../src/session/cause.ts";
import { LIMITS } from "../session/sending.ts";
import { noBounces, routeThrough } from "../support/routes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

vi.mock(import("../../src/bounce/return.ts"));
vi.mock(import("../../src/client/deliver.ts"));

/** A message's fate in a session: a response, or none though it was sent, or none and unsent. */
type Fate = Delivery["status"] | "sent" | "unsent";
/** A session: the fate of each message, by name; the first without a response ends it. */
type Session = (name: string) => Fate;

let maildir: string;

beforeEach(() => {
  maildir = temporaryFolder();
  for (const folder of ["new", "cur", "tmp"]) mkdirSync(`${maildir}/${folder}`);
});

/** Messages, oldest first, each named after its recipient. */
function put(...names: string[]): void {
  for (const name of names) {
    const path = `${maildir}/new/${name}`;
    writeFileSync(path, `Return-Path: <a@x>\nDelivered-To: ${name}\nhi`);
    const seconds = 1_000 + readdirSync(`${maildir}/new`).length;
    utimesSync(path, seconds, seconds);
  }
}

function deliveryOf(pkg: Package, fate: Fate): Delivery {
  const recipient = pkg.recipients[0] as Buffer;
  const server = fate !== "sent" && fate !== "unsent";
  return {
    recipient,
    status: server ? fate : "deferral",
    text: Buffer.from(server ? "said" : fate),
    origin: server ? "server" : "client",
    possibleDuplicate: fate === "sent",
  };
}

function show({ file, delivery, outcome, note }: MessageResult): string {
  const duplicate = delivery.possibleDuplicate ? " (twice?)" : "";
  return `${file.name} ${delivery.status} ${outcome}: ${delivery.text}${duplicate}${note ? `; ${note.text}` : ""}`;
}

/** Delivers in sessions that go as given, the last way forever. */
async function deliver(
  sessions: readonly (Session | string)[],
  { signal, ...options }: Partial<RoundsOptions> & { signal?: AbortSignal } = {},
) {
  const results: string[] = [];
  const taken: string[][] = [];
  const waiting: number[] = [];
  const unusable: string[] = [];
  let notSent: [number, string] | undefined;
  vi.mocked(client.sendPackages).mockImplementation(async (packages, _, { onSettled }) => {
    const session = sessions[Math.min(taken.length, sessions.length - 1)] as Session | string;
    const names: string[] = [];
    taken.push(names);
    if (typeof session === "string") return reportOf(session);
    const settle = (pkg: MaildirPackage, deliveries: readonly Delivery[]) =>
      onSettled(pkg as never, deliveries);
    return reportOf(await run(packages as PackageSource<never>, settle, session, names));
  });
  vi.mocked(returnMessages).mockImplementation(async (messages, _, onReturned) => {
    for (const message of messages) onReturned(message, undefined);
  });
  const leftOver = await deliverMaildir({
    maildir,
    prefix: Buffer.alloc(0),
    policy: { bounce: false, lifetimeMs: undefined },
    startedAt: Date.now(),
    route: routeThrough(() => expect.unreachable("sendPackages connects"), LIMITS, signal),
    bounces: noBounces(),
    onResult: (result) => results.push(show(result)),
    onUnusable: ({ name, why }) => unusable.push(`${name}: ${why}`),
    onRound: (files) => waiting.push(files),
    onStopped: (count, { message }) => {
      notSent = [count, message];
    },
    ...options,
  });
  return { leftOver, results, taken, waiting, unusable, notSent };
}

/** How a session ended. */
function reportOf(why: string | undefined): client.SessionReport {
  return {
    server: { endpoint: "qmtp://in-memory:209", address: null, port: null, tls: null },
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    cause: why === undefined ? null : causeOf(new QmtpError("connect-failed", why)),
  };
}

async function run(
  packages: PackageSource<MaildirPackage>,
  onSettled: (pkg: MaildirPackage, deliveries: readonly Delivery[]) => void,
  session: Session,
  names: string[],
): Promise<string | undefined> {
  for (;;) {
    const next = await packages.next();
    if (next.done) return undefined;
    const { file } = next.value;
    names.push(file.name.slice(4));
    const fate = session(file.name.slice(4));
    onSettled(next.value, [deliveryOf(next.value, fate)]);
    if (fate === "sent" || fate === "unsent") return "the session was over";
  }
}

const well: Session = () => "success";
/** Ends at these messages; answers the others. */
const breaksAt =
  (...names: string[]): Session =>
  (name) =>
    names.includes(name) ? "sent" : "success";

describe("when every message is answered", () => {
  test("there is one session, and nothing is left to send", async () => {
    put("a", "b", "c");
    const { leftOver, results, taken, waiting } = await deliver([
      (name) => ({ a: "success", b: "deferral", c: "failure" })[name] as Fate,
    ]);
    expect(results).toEqual([
      "new/a success removed: said",
      "new/b deferral kept: said",
      "new/c failure kept: said",
    ]);
    expect([leftOver, taken, waiting]).toEqual([true, [["a", "b", "c"]], [3, 2]]);
  });

  test("messages that arrive meanwhile are sent too", async () => {
    put("a");
    const { results, taken, leftOver } = await deliver([
      (name) => {
        if (name === "a") put("b");
        return "success";
      },
    ]);
    expect(results).toEqual(["new/a success removed: said", "new/b success removed: said"]);
    expect([taken, leftOver]).toEqual([[["a"], ["b"]], false]);
  });

  test("an empty maildir needs no session", async () => {
    expect(await deliver([well])).toMatchObject({ leftOver: false, taken: [], waiting: [0] });
  });

  test("messages for other recipients are left alone silently", async () => {
    put("p-a", "q-b");
    const run = await deliver([well], { prefix: Buffer.from("p-") });
    expect(run).toMatchObject({ leftOver: false, taken: [["p-a"]], unusable: [] });
    expect(readdirSync(`${maildir}/new`)).toEqual(["q-b"]);
  });

  test("a file that cannot be sent is reported once, however many sessions there are, and is left over", async () => {
    put("a", "b");
    mkdirSync(`${maildir}/new/folder`);
    writeFileSync(`${maildir}/new/empty`, "");
    utimesSync(`${maildir}/new/empty`, 1, 1);
    const { leftOver, unusable, taken } = await deliver([breaksAt("a"), well]);
    expect(unusable.sort()).toEqual(["new/empty: it is empty", "new/folder: it is a directory"]);
    expect([leftOver, taken]).toEqual([true, [["a"], ["b", "a"]]]);
  });

  test("bounced messages are not left over", async () => {
    put("a");
    const run = await deliver([() => "failure"], { policy: { bounce: true, lifetimeMs: undefined } });
    expect(run).toMatchObject({ leftOver: false, results: ["new/a failure bounced: said"] });
  });
});

describe("when a session ends at a message", () => {
  test("that message goes last in the next session, is sent again, and is marked", async () => {
    put("a", "b", "c");
    const { results, taken, leftOver } = await deliver([breaksAt("b"), well]);
    expect(taken).toEqual([
      ["a", "b"],
      ["c", "b"],
    ]);
    expect(results).toEqual([
      "new/a success removed: said",
      "new/c success removed: said",
      "new/b success removed: said (twice?)",
    ]);
    expect(leftOver).toBe(false);
  });

  test("several such messages do not stop the others", async () => {
    put("a", "b", "c", "d", "e");
    const { results, taken } = await deliver([breaksAt("a", "b")]);
    expect(taken).toEqual([["a"], ["b"], ["e", "d", "c", "b"], ["a"], ["a"], ["b"]]);
    expect(results.slice(0, 3)).toEqual(["e", "d", "c"].map((name) => `new/${name} success removed: said`));
    expect(results.slice(3)).toEqual([
      "new/a deferral kept: sent (twice?)",
      "new/b deferral kept: sent (twice?)",
    ]);
  });

  test("delivery stops after three sessions in a row without a result, the third with the newest first", async () => {
    put("a", "b", "c", "d");
    const { results, taken, leftOver } = await deliver([() => "unsent"]);
    expect(taken).toEqual([["a"], ["b"], ["d"]]);
    expect(results).toEqual([
      "new/c deferral kept: the session was over",
      "new/a deferral kept: unsent",
      "new/b deferral kept: unsent",
      "new/d deferral kept: unsent",
    ]);
    expect(leftOver).toBe(true);
  });

  test("a result restarts the count", async () => {
    put("a", "b", "c", "d");
    let sessions = 0;
    const { taken } = await deliver([
      () => {
        sessions++;
        return sessions === 3 ? "success" : "unsent";
      },
    ]);
    // Two without a result, one with, and three more without.
    expect(taken.length).toBe(6);
  });

  test("and its file has gone by the next, it is reported with what is known", async () => {
    put("a", "b");
    const { results } = await deliver([
      (name) => {
        rmSync(`${maildir}/new/${name}`);
        return "sent";
      },
      well,
    ]);
    expect(results).toEqual([
      "new/b success removed: said",
      "new/a deferral kept: sent (twice?); the file is gone",
    ]);
  });
});

describe("when there is no session", () => {
  test("three are tried, and each message has the reason", async () => {
    put("a", "b");
    const { results, taken, leftOver } = await deliver(["no way there", "no way there", "still no way"]);
    expect(taken).toEqual([[], [], []]);
    expect(results).toEqual(["new/a", "new/b"].map((name) => `${name} deferral kept: still no way`));
    expect(leftOver).toBe(true);
  });

  test("because of a signal, none is started, and the messages are counted", async () => {
    put("a", "b");
    const signal = AbortSignal.abort(new Error("SIGTERM"));
    const { results, taken, notSent, leftOver } = await deliver([well], { signal });
    expect([results, taken, notSent, leftOver]).toEqual([[], [], [2, "interrupted by SIGTERM"], true]);
  });

  test("because of a signal, only messages for the prefix are counted", async () => {
    put("a", "b");
    const signal = AbortSignal.abort(new Error("SIGTERM"));
    const { notSent } = await deliver([well], { signal, prefix: Buffer.from("a") });
    expect(notSent).toEqual([1, "interrupted by SIGTERM"]);
  });

  test("another is not started after a signal", async () => {
    put("a", "b");
    const stop = new AbortController();
    const { results, taken, notSent } = await deliver(
      [
        () => {
          stop.abort(new Error("SIGINT"));
          return "sent";
        },
      ],
      { signal: stop.signal },
    );
    expect(taken).toEqual([["a"]]);
    expect(results).toEqual(["new/a deferral kept: sent (twice?)"]);
    expect(notSent).toEqual([1, "interrupted by SIGINT"]);
  });
});
