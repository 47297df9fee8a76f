import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import {
  deliverMaildir,
  emptyQmailHome,
  fakeQueue,
  filesLeft,
  mail,
  maildirWith,
} from "../../support/maildirs.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { expectCase } from "./expect-case.ts";

const REFUSED = "sorry, this recipient is refused here (#5.7.1)";
const DEFERRED = "sorry, this recipient is deferred here (#4.3.0)";
const BODY = "Delivered-To: kept@y\nSubject: x\r\n\r\n\x00\xff-\nno end";

/** The parts of a QSBMF bounce: header, opening paragraph, recipient paragraph, dash, message. */
function partsOf(bounce: string) {
  // No "s" flag: each header field is one line, and a paragraph ends at the first empty line.
  const form =
    /^Date: (.+)\nFrom: (.+)\nTo: (.+)\nSubject: (.+)\n\n(Hi\. This is the (?:.+\n)+)\n((?:.+\n)+)\n-.*\n\n([\s\S]*)$/;
  const [, date, from, to, subject, first, recipient, original] = form.exec(bounce) ?? [];
  return { date, from, to, subject, first, recipient, original };
}

/** An RFC 5322 date-time. */
const DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/;

describe("a failure with --bounce", () => {
  test("is returned to its sender in QSBMF, with the control files' names, and the message is removed", async () => {
    const queue = fakeQueue(0, {
      me: "me.example\n",
      bouncefrom: "bouncer\n",
      bouncehost: "bounces.example \nsecond line\n",
    });
    const maildir = maildirWith({ "cur/1.h:2,S": [10, mail("p-no@y", BODY, "joe doe@x\xfe")] });
    const sink = await startSink(["--reject", "^no@"]);
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "p-", queue.env);
    expect(run).toEqual({
      code: 0,
      signal: null,
      stdout: `cur/1.h:2,S: no@y: failure: ${REFUSED} (bounced to joe doe@x\\xfe)\n`,
      stderr: "qmtp: 1 message: 1 failure; 1 bounced\n",
    });
    expect(filesLeft(maildir)).toEqual([]);
    expect(queue.envelope).toBe("F\0Tjoe doe@x\xfe\0\0");
    const { date, first, ...rest } = partsOf(queue.message);
    expect(rest).toEqual({
      from: "bouncer@bounces.example",
      to: '"joe doe"@x\xfe',
      subject: "failure notice",
      recipient: `<no@y>:\n127.0.0.1 said: ${REFUSED}\n`,
      original: `Return-Path: <"joe doe"@x\xfe>\n${BODY}`,
    });
    expect(date).toMatch(DATE);
    expect(first).toContain("at bounces.example.\n");
  });

  test("returns the whole message, even from a file too large for one read", async () => {
    const queue = fakeQueue();
    const body = `${"0123456789\r\n".repeat(100_000)}end`;
    const maildir = maildirWith({ "new/1.h": [10, mail("no@y", body)] });
    const sink = await startSink(["--reject", "^no@"]);
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "", queue.env);
    expect([run.code, filesLeft(maildir), queue.envelope]).toEqual([0, [], "F\0Ta@x\0\0"]);
    expect(queue.message.endsWith(`\n\nReturn-Path: <a@x>\n${body}`)).toBe(true);
  });

  test("says that a message was too old, if that is why", async () => {
    const queue = fakeQueue();
    await expectCase({
      files: { "new/1.h": [100, mail("later@y")], "new/2.h": [20, mail("later@y")] },
      options: ["-b", "-t", "60"],
      queue,
      left: ["new/2.h"],
      // Bounces are reported at the end of the round.
      out: [
        `new/2.h: later@y: deferral: ${DEFERRED}`,
        `new/1.h: later@y: failure: ${DEFERRED} (expired; bounced to a@x)`,
      ],
      err: ["qmtp: 2 messages: 1 deferral, 1 failure; 1 bounced, 1 kept"],
      code: 111,
    });
    expect(queue.envelope).toBe("F\0Ta@x\0\0");
    const { recipient } = partsOf(queue.message);
    expect(recipient).toMatch(
      /^<later@y>:\n127\.0\.0\.1 said: sorry, this recipient is deferred here \(#4\.3\.0\)\n.*too long.*\n$/,
    );
  });
});

describe("a bounce that fails is returned to the postmaster, from #@[]", () => {
  const host = hostname();
  const rows: ReadonlyArray<[string, Record<string, string>, from: string, to: string]> = [
    ["at this host without control files", {}, `MAILER-DAEMON@${host}`, `postmaster@${host}`],
    ["with only control/me", { me: "me.example\n" }, "MAILER-DAEMON@me.example", "postmaster@me.example"],
    [
      "with doublebounceto and doublebouncehost",
      { me: "me.example", doublebounceto: "hostmaster\n", doublebouncehost: "dbl.example\n" },
      "MAILER-DAEMON@me.example",
      "hostmaster@dbl.example",
    ],
    [
      "with all of them",
      { me: "m", bouncefrom: "bf\n", bouncehost: "bh\n", doublebounceto: "dt\n", doublebouncehost: "dh\n" },
      "bf@bh",
      "dt@dh",
    ],
  ];
  test.each(rows)("%s", async (_name, control, from, to) => {
    const queue = fakeQueue(0, control);
    await expectCase({
      files: { "new/1.h": [10, mail("no@y", "hi\n", "")] },
      options: ["-b"],
      queue,
      left: [],
      out: [`new/1.h: no@y: failure: ${REFUSED} (bounced to the postmaster)`],
      err: ["qmtp: 1 message: 1 failure; 1 bounced"],
      code: 0,
    });
    expect(queue.envelope).toBe(`F#@[]\0T${to}\0\0`);
    expect(partsOf(queue.message)).toMatchObject({
      from,
      to,
      recipient: `<no@y>:\n127.0.0.1 said: ${REFUSED}\n`,
      original: "Return-Path: <>\nhi\n",
    });
  });
});

test("a double bounce that fails is discarded, and reported as such", async () => {
  const queue = fakeQueue();
  await expectCase({
    files: { "new/1.h": [10, mail("no@y", "hi\n", "#@[]")] },
    options: ["-b"],
    queue,
    left: [],
    out: [`new/1.h: no@y: failure: ${REFUSED} (discarded: a double bounce)`],
    err: ["qmtp: 1 message: 1 failure; 1 discarded"],
    code: 0,
  });
  expect([queue.message, queue.envelope]).toEqual(["", ""]);
});

describe("a message that cannot be bounced is kept, with exit code 111, and the rest are delivered", () => {
  const files = { "new/1.h": [20, mail("no@y")], "new/2.h": [10, mail("b@y")] } as const;

  test.each([
    [53, " (it cannot write; is the disk full?)"],
    [1, ""],
  ])("qmail-queue exits with %i", async (exitCode, meaning) => {
    const queue = fakeQueue(exitCode);
    const why = `${queue.env.QMAILHOME}/bin/qmail-queue ended with exit code ${exitCode}${meaning}`;
    await expectCase({
      files,
      options: ["-b"],
      queue,
      left: ["new/1.h"],
      out: ["new/2.h: b@y: success: ok", `new/1.h: no@y: failure: ${REFUSED} (kept; not bounced: ${why})`],
      err: ["qmtp: 2 messages: 1 success, 1 failure; 1 removed, 1 kept"],
      code: 111,
    });
  });

  test("there is no qmail-queue", async () => {
    const maildir = maildirWith(files);
    const sink = await startSink(["--reject", "^no@"]);
    const env = emptyQmailHome();
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "", env);
    const why = `cannot run ${env.QMAILHOME}/bin/qmail-queue: no such file or directory`;
    expect(run.stdout).toBe(
      `new/2.h: b@y: success: ok\nnew/1.h: no@y: failure: ${REFUSED} (kept; not bounced: ${why})\n`,
    );
    expect([run.code, filesLeft(maildir)]).toEqual([111, ["new/1.h"]]);
  });

  test("$QMAILQUEUE overrides the qmail home's qmail-queue", async () => {
    const [queue, other] = [fakeQueue(53), fakeQueue()];
    const maildir = maildirWith(files);
    const sink = await startSink(["--reject", "^no@"]);
    const env = { ...queue.env, QMAILQUEUE: `${other.env.QMAILHOME}/bin/qmail-queue` };
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "", env);
    expect([run.code, queue.envelope, other.envelope]).toEqual([0, "", "F\0Ta@x\0\0"]);
    // It runs with the qmail home as its working directory.
    const folder = readFileSync(`${env.QMAILQUEUE}.folder`, "utf8");
    expect(folder).toBe(`${queue.env.QMAILHOME}\n`);
  });
});

describe("--bounce-server", () => {
  test("receives the bounces over QMTP", async () => {
    const stored = maildirWith({});
    const maildir = maildirWith({
      "new/1.h": [20, mail("no@y", BODY)],
      "new/2.h": [10, mail("no2@y", "", "")],
    });
    const sink = await startSink(["--reject", "^no"]);
    const bounces = await startSink(["--maildir", stored]);
    const env = fakeQueue(53, { me: "me.example" }).env;
    const args = ["-b", "-s", sink.endpoint, "--bounce-server", bounces.endpoint];
    const run = await deliverMaildir(maildir, args, "", env);
    expect([run.code, filesLeft(maildir)]).toEqual([0, []]);
    expect(run.stdout).toBe(
      `new/1.h: no@y: failure: ${REFUSED} (bounced to a@x)\n` +
        `new/2.h: no2@y: failure: ${REFUSED} (bounced to the postmaster)\n`,
    );
    const [single = "", double = ""] = readdirSync(`${stored}/new`)
      .map((name) => readFileSync(`${stored}/new/${name}`, "latin1"))
      .sort((one, other) => one.indexOf("<") - other.indexOf("<") || (one < other ? 1 : -1));
    // The sink puts the envelope on top: the null sender, and the sender of double bounces.
    const [of, to] = [
      "Return-Path: <>\nDelivered-To: a@x\n",
      "Return-Path: <#@[]>\nDelivered-To: postmaster@me.example\n",
    ];
    expect(single.startsWith(of) && double.startsWith(to), `${single}\n${double}`).toBe(true);
    expect(partsOf(single.slice(of.length))).toMatchObject({
      from: "MAILER-DAEMON@me.example",
      recipient: `<no@y>:\n127.0.0.1 said: ${REFUSED}\n`,
      original: `Return-Path: <a@x>\n${BODY}`,
    });
    expect(partsOf(double.slice(to.length)).original).toBe("Return-Path: <>\n");
  });

  test("that refuses or defers the bounces, or cannot be reached, leaves the messages in place", async () => {
    const port = await unusedPort();
    const unreachable = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    const sink = await startSink(["--reject", "^no"]);
    const refusing = await startSink(["--reject", "^a@"]);
    const deferring = await startSink(["--defer", "^a@"]);
    for (const [endpoint, why] of [
      [refusing.endpoint, REFUSED],
      [deferring.endpoint, DEFERRED],
      [`127.0.0.1:${port}`, unreachable],
    ] as const) {
      const maildir = maildirWith({ "new/1.h": [20, mail("no@y")] });
      const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint, "--bounce-server", endpoint]);
      const stdout = `new/1.h: no@y: failure: ${REFUSED} (kept; not bounced: ${why})\n`;
      expect(run).toMatchObject({ code: 111, stdout });
      expect(filesLeft(maildir)).toEqual(["new/1.h"]);
    }
  });
});
