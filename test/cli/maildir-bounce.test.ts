import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { startSink, stopAll } from "../processes.ts";
import { unusedPort } from "../scripted-server.ts";
import {
  deliverMaildir,
  emptyQmailHome,
  expectCase,
  fakeQueue,
  filesLeft,
  mail,
  maildirWith,
} from "./maildir-case.ts";

afterEach(stopAll);

const REFUSED = "sorry, this recipient is refused here (#5.7.1)";
const DEFERRED = "sorry, this recipient is deferred here (#4.3.0)";
const BODY = "Delivered-To: kept@y\nSubject: x\r\n\r\n\x00\xff-\nno end";

/** What QSBMF fixes of a bounce: header, first paragraph, one for the recipient, a dash, the message. */
function partsOf(bounce: string) {
  // No "s" flag: each part of the header is one line, and paragraphs end at the first empty line.
  const form =
    /^Date: (.+)\nFrom: (.+)\nTo: (.+)\nSubject: (.+)\n\n(Hi\. This is the (?:.+\n)+)\n((?:.+\n)+)\n-.*\n\n([\s\S]*)$/;
  const [, date, from, to, subject, first, recipient, original] = form.exec(bounce) ?? [];
  return { date, from, to, subject, first, recipient, original };
}

/** RFC 5322's date-time, as mail has it. */
const DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/;

describe("a failure with --bounce", () => {
  test("goes back to its sender, in QSBMF, with the control files' names, and then goes", async () => {
    const queue = fakeQueue(0, {
      me: "me.example\n",
      bouncefrom: "bouncer\n",
      bouncehost: "bounces.example \nsecond line\n",
    });
    const maildir = maildirWith({ "cur/1.h:2,S": [10, mail("p-no@y", BODY, "s@x\xfe")] });
    const sink = await startSink(["--reject", "^no@"]);
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "p-", queue.env);
    expect(run).toEqual({
      code: 0,
      signal: null,
      stdout: `cur/1.h:2,S: no@y: failure: ${REFUSED} (bounced to s@x\\xfe)\n`,
      stderr: "qmtp: 1 message: 1 failure; 1 bounced\n",
    });
    expect(filesLeft(maildir)).toEqual([]);
    expect(queue.envelope).toBe("F\0Ts@x\xfe\0\0");
    const { date, first, ...rest } = partsOf(queue.message);
    expect(rest).toEqual({
      from: "bouncer@bounces.example",
      to: "s@x\xfe",
      subject: "failure notice",
      recipient: `<no@y>:\n${REFUSED}\n`,
      original: `Return-Path: <s@x\xfe>\n${BODY}`,
    });
    expect(date).toMatch(DATE);
    expect(first).toContain("at bounces.example.\n");
  });

  test("of a file too large to be read at once goes back whole", async () => {
    const queue = fakeQueue();
    const body = `${"0123456789\r\n".repeat(100_000)}end`;
    const maildir = maildirWith({ "new/1.h": [10, mail("no@y", body)] });
    const sink = await startSink(["--reject", "^no@"]);
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "", queue.env);
    expect([run.code, filesLeft(maildir), queue.envelope]).toEqual([0, [], "F\0Ta@x\0\0"]);
    expect(queue.message.endsWith(`\n\nReturn-Path: <a@x>\n${body}`)).toBe(true);
  });

  test("says that a message was too old, where that is why", async () => {
    const queue = fakeQueue();
    await expectCase({
      files: { "new/1.h": [100, mail("later@y")], "new/2.h": [20, mail("later@y")] },
      options: ["-b", "-t", "60"],
      queue,
      left: ["new/2.h"],
      // Bounces come at the end of the round.
      out: [
        `new/2.h: later@y: deferral: ${DEFERRED}`,
        `new/1.h: later@y: failure: ${DEFERRED} (too old to wait any longer; bounced to a@x)`,
      ],
      err: ["qmtp: 2 messages: 1 deferral, 1 failure; 1 bounced, 1 kept"],
      code: 111,
    });
    expect(queue.envelope).toBe("F\0Ta@x\0\0");
    const { recipient } = partsOf(queue.message);
    expect(recipient).toMatch(
      /^<later@y>:\nsorry, this recipient is deferred here \(#4\.3\.0\)\n.*too long.*\n$/,
    );
  });
});

describe("a failure of a bounce goes to the postmaster, from #@[]", () => {
  const host = hostname();
  const rows: ReadonlyArray<[string, Record<string, string>, from: string, to: string]> = [
    ["without control files, of this host", {}, `MAILER-DAEMON@${host}`, `postmaster@${host}`],
    ["with me alone", { me: "me.example\n" }, "MAILER-DAEMON@me.example", "postmaster@me.example"],
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
      recipient: `<no@y>:\n${REFUSED}\n`,
      original: "Return-Path: <>\nhi\n",
    });
  });
});

test("a failure of a double bounce is discarded, and that is said", async () => {
  const queue = fakeQueue();
  await expectCase({
    files: { "new/1.h": [10, mail("no@y", "hi\n", "#@[]")] },
    options: ["-b"],
    queue,
    left: [],
    out: [`new/1.h: no@y: failure: ${REFUSED} (discarded: nobody is left to bounce it to)`],
    err: ["qmtp: 1 message: 1 failure; 1 discarded"],
    code: 0,
  });
  expect([queue.message, queue.envelope]).toEqual(["", ""]);
});

describe("what cannot be bounced is kept, with exit code 111, and the others go on", () => {
  const files = { "new/1.h": [20, mail("no@y")], "new/2.h": [10, mail("b@y")] } as const;

  test.each([
    [53, " (it cannot write; is the disk full?)"],
    [1, ""],
  ])("qmail-queue ends with %i", async (exitCode, meaning) => {
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

  test("$QMAILQUEUE goes before the qmail home's", async () => {
    const [queue, other] = [fakeQueue(53), fakeQueue()];
    const maildir = maildirWith(files);
    const sink = await startSink(["--reject", "^no@"]);
    const env = { ...queue.env, QMAILQUEUE: `${other.env.QMAILHOME}/bin/qmail-queue` };
    const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint], "", env);
    expect([run.code, queue.envelope, other.envelope]).toEqual([0, "", "F\0Ta@x\0\0"]);
    // It runs in the qmail home.
    const folder = readFileSync(`${env.QMAILQUEUE}.folder`, "utf8");
    expect(folder).toBe(`${queue.env.QMAILHOME}\n`);
  });
});

describe("--bounce-server", () => {
  test("gets the bounces by QMTP", async () => {
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
    // What the sink puts on top is the envelope: the null sender, and that of double bounces.
    const [of, to] = [
      "Return-Path: <>\nDelivered-To: a@x\n",
      "Return-Path: <#@[]>\nDelivered-To: postmaster@me.example\n",
    ];
    expect(single.startsWith(of) && double.startsWith(to), `${single}\n${double}`).toBe(true);
    expect(partsOf(single.slice(of.length))).toMatchObject({
      from: "MAILER-DAEMON@me.example",
      recipient: `<no@y>:\n${REFUSED}\n`,
      original: `Return-Path: <a@x>\n${BODY}`,
    });
    expect(partsOf(double.slice(to.length)).original).toBe("Return-Path: <>\n");
  });

  test("that refuses them, or defers them, or cannot be reached, leaves the messages where they are", async () => {
    const port = await unusedPort();
    const nobody = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    const sink = await startSink(["--reject", "^no"]);
    const refusing = await startSink(["--reject", "^a@"]);
    const deferring = await startSink(["--defer", "^a@"]);
    for (const [endpoint, why] of [
      [refusing.endpoint, REFUSED],
      [deferring.endpoint, DEFERRED],
      [`127.0.0.1:${port}`, nobody],
    ] as const) {
      const maildir = maildirWith({ "new/1.h": [20, mail("no@y")] });
      const run = await deliverMaildir(maildir, ["-b", "-s", sink.endpoint, "--bounce-server", endpoint]);
      const stdout = `new/1.h: no@y: failure: ${REFUSED} (kept; not bounced: ${why})\n`;
      expect(run).toMatchObject({ code: 111, stdout });
      expect(filesLeft(maildir)).toEqual(["new/1.h"]);
    }
  });
});
