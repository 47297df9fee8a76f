import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import {
  deliverMaildir,
  emptyQmailHome,
  fakeQueue,
  filesLeft,
  mail,
  maildirWith,
} from "../../support/maildirs.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

const HOUR = 3_600;

test("--json prints an object for each message and one for the run", async () => {
  const maildir = maildirWith({
    "new/1.h": [300, mail("b@y", "hi")],
    "new/2.h": [200, mail("no@y")],
    "cur/3.h:2,S": [100, mail("later@\xff")],
    "new/4.h": [50, "no head"],
  });
  const queue = fakeQueue();
  const sink = await startSink(["--reject", "^no", "--defer", "^later"]);
  const run = await deliverMaildir(maildir, ["-b", "--json", "-s", sink.endpoint], "", queue.env);
  const [first, third, second, summary, ...more] = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(more).toEqual([]);
  const message = {
    schema: 1,
    type: "message",
    sender: "a@x",
    server: { port: Number(/\d+$/.exec(sink.endpoint)) },
  };
  expect(first).toMatchObject({
    ...message,
    outcome: "success",
    exitCode: 0,
    message: { source: `${maildir}/new/1.h`, bytes: 2, encoding: "unix" },
    file: { name: "new/1.h", outcome: "removed", expired: false, note: null },
    deliveries: [
      { recipient: "b@y", status: "success", text: "ok", origin: "server", possibleDuplicate: false },
    ],
  });
  // Bounces are reported at the end of the round.
  expect(second).toMatchObject({
    ...message,
    outcome: "failed",
    exitCode: 100,
    file: { name: "new/2.h", outcome: "bounced", expired: false, note: null },
    deliveries: [{ recipient: "no@y", status: "failure" }],
  });
  expect(third).toMatchObject({
    ...message,
    exitCode: 111,
    file: { name: "cur/3.h:2,S", outcome: "kept", expired: false, note: null },
    // "later@" and the byte 0xff, in base64.
    deliveries: [{ recipient: "later@\\xff", recipientBase64: "bGF0ZXJA/w==", status: "deferral" }],
  });
  expect(summary).toEqual({
    schema: 1,
    type: "summary",
    exitCode: 111,
    maildir,
    counts: { success: 1, deferral: 1, failure: 1 },
    files: { removed: 1, bounced: 1, discarded: 0, kept: 1, skipped: 1, unusable: 1 },
    notSent: 0,
    possibleDuplicates: 0,
    sessions: 1,
    elapsedMs: expect.any(Number),
    error: null,
  });
  const stderr =
    "qmtp: new/4.h: skipped: it does not begin with 'Return-Path: <sender>' and 'Delivered-To: recipient'\n";
  expect(run).toMatchObject({ code: 111, stderr });
});

const PLAN = {
  "new/1.h": [3 * HOUR, mail("p-b@y", "hi")],
  "cur/2.h:2,S": [90, mail("p-c@y", "", "")],
  "new/3.h": [60, mail("other@y")],
  "new/4.h": [-HOUR, mail("p-d@y")],
  "new/5.h": [30, ""],
  "tmp/6.h": [40 * HOUR, "x"],
} as const;

describe("--dry-run prints a plan without connecting or removing anything", () => {
  test("as a table", async () => {
    const maildir = maildirWith(PLAN);
    const before = filesLeft(maildir);
    const server = await startScriptedServer();
    const { port } = server;
    const options = ["-n", "-b", "-t", "3600", "-s", server.endpoint];
    const run = await deliverMaildir(maildir, options, "p-", { QMAILHOME: "/none", QMAILQUEUE: "" });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const [s1, s2, s3, ...table] = run.stdout.trimEnd().split("\n");
    expect([s1, s2, s3]).toEqual([
      `server: qmtp://127.0.0.1:${port}`,
      "failures: bounced through /none/bin/qmail-queue",
      "lifetime: 60 min",
    ]);
    expect(table.map((row) => row.split(/ {2,}/))).toEqual([
      ["send", "new/1.h", "2 bytes", "3 h", "a@x -> b@y", "expired: a deferral bounces it"],
      ["send", "cur/2.h:2,S", "0 bytes", expect.stringMatching(/^9\d s$/), "<> -> c@y"],
      ["ignore", "new/3.h", "the recipient has another prefix"],
      ["skip", "new/5.h", "it is empty"],
      ["ignore", "new/4.h", "it may still be arriving"],
      ["remove", "tmp/6.h", "it was left in tmp and not read for 36 hours"],
    ]);
    expect(filesLeft(maildir)).toEqual(before);
    expect(server.connections).toBe(0);
  });

  test("as JSON", async () => {
    const maildir = maildirWith(PLAN);
    const before = filesLeft(maildir);
    const server = await startScriptedServer();
    const run = await deliverMaildir(maildir, ["-n", "--json", "-s", server.endpoint], "p-");
    const objects = run.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(objects.length).toBe(7);
    const file = { schema: 1, type: "dry-run-file" };
    const first = { action: "send", name: "new/1.h", sender: "a@x", recipient: "b@y", bytes: 2, why: null };
    expect(objects[0]).toMatchObject({ ...file, ...first });
    expect(objects.at(-1)).toEqual({
      schema: 1,
      type: "dry-run",
      endpoints: [`qmtp://${server.endpoint}`],
      failures: "kept",
      lifetimeSeconds: null,
      counts: { send: 2, ignore: 2, skip: 1, remove: 1 },
    });
    expect([filesLeft(maildir), server.connections]).toEqual([before, 0]);
  });
});

describe("a path that is not a maildir is reported in one line, with exit code 111", () => {
  const rows: ReadonlyArray<[string, (maildir: string) => string, string, string]> = [
    ["a missing directory", (maildir) => `${maildir}/none`, "new", "no such file or directory"],
    ["a file", (maildir) => `${maildir}/new/1.h`, "new", "not a directory"],
    [
      "a maildir without cur",
      (maildir) => {
        rmSync(`${maildir}/cur`, { recursive: true });
        return maildir;
      },
      "cur",
      "no such file or directory",
    ],
  ];
  for (const options of [[], ["-n"]]) {
    test.each(rows)(`%s ${options.join()}`, async (_name, spoil, folder, why) => {
      const server = await startScriptedServer();
      const path = spoil(maildirWith({ "new/1.h": [10, mail("b@y")] }));
      const run = await deliverMaildir(path, [...options, "-s", server.endpoint]);
      const line = `cannot read ${folder} of the maildir ${path}: ${why}; name a folder with tmp, new and cur`;
      expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
      expect(server.connections).toBe(0);
    });
  }
});

describe("wrong usage is reported in one line, with exit code 100, and nothing is sent", () => {
  const rows: ReadonlyArray<[string, string[]]> = [
    ["no arguments", []],
    ["three arguments", ["DIR", "", "x"]],
    ["an empty maildir name", ["", ""]],
    ["an unknown option", ["--none", "DIR", ""]],
    ["a lifetime that is not a number", ["-t", "1h", "DIR", ""]],
    ["a negative lifetime", ["-t", "-1", "DIR", ""]],
    ["a bounce server without --bounce", ["--bounce-server", "127.0.0.1", "DIR", ""]],
    ["a bad bounce server", ["-b", "--bounce-server", "127.0.0.1:x", "DIR", ""]],
    ["a bad server", ["-s", "127.0.0.1:x", "DIR", ""]],
    ["a prefix with a line feed", ["DIR", "a\nb"]],
  ];
  test.each(rows)("%s", async (_name, args) => {
    const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
    const given = args.map((arg) => (arg === "DIR" ? maildir : arg));
    const server = await startScriptedServer();
    const run = await qmtp(["maildir", ...given], {
      env: { ...emptyQmailHome(), QMTP_SERVER: server.endpoint },
    });
    expect(run).toMatchObject({ code: 100, stdout: "" });
    expect(run.stderr).toMatch(/^qmtp: [^\n]+\n$/);
    expect([filesLeft(maildir), server.connections]).toEqual([["new/1.h"], 0]);
  });
});
