import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import {
  deliverMaildir,
  emptyQmailHome,
  filesLeft,
  grow,
  mail,
  maildirWith,
} from "../../support/maildirs.ts";
import { type Finished, stopAll } from "../../support/processes.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { sendmail } from "../../support/sendmail.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const SILENT = { signal: null, stdout: "", stderr: "" };

const twoMessages = () => maildirWith({ "new/1.h": [20, mail("b@y")], "cur/2.h": [10, mail("c@y")] });

describe("with -q, a server that cannot be reached", () => {
  test("is reported with one line for all messages, and exit code 111", async () => {
    const port = await unusedPort();
    const maildir = twoMessages();
    const run = await deliverMaildir(maildir, ["-q", "-s", `127.0.0.1:${port}`]);
    const why = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    expect(run).toEqual({ ...SILENT, code: 111, stderr: `qmtp: 2 messages kept: ${why}\n` });
    expect(filesLeft(maildir)).toEqual(["cur/2.h", "new/1.h"]);
  });

  test("is not reported again for a day, unless the reason is another or a run got further", async () => {
    const maildir = twoMessages();
    const run = async (server: string) => {
      const { code, stdout, stderr } = await deliverMaildir(maildir, ["-q", "-s", server]);
      expect([code, stdout]).toEqual([111, ""]);
      return stderr.split("\n").length - 1;
    };
    expect([await run("unix:/none"), await run("unix:/none")]).toEqual([1, 0]);
    expect([await run("unix:/other"), await run("unix:/other")]).toEqual([1, 0]);
    grow(`${maildir}/.qmtp-lock`, 86_399);
    expect(await run("unix:/other")).toBe(0);
    grow(`${maildir}/.qmtp-lock`, 86_401);
    expect([await run("unix:/other"), await run("unix:/other")]).toEqual([1, 0]);
    const sink = await startSink(["--defer", "^c@"]);
    const some = await deliverMaildir(maildir, ["-q", "-s", sink.endpoint]);
    expect([some.code, some.stdout.split(":")[0]]).toEqual([111, "cur/2.h"]);
    expect([await run("unix:/other"), await run("unix:/other")]).toEqual([1, 0]);
  });

  test("does not hide what else there is to say", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "new/2.h": [10, "no head"] });
    const { code, stdout, stderr } = await deliverMaildir(maildir, ["-q", "-s", "unix:/none"]);
    expect([code, stdout]).toEqual([111, ""]);
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^qmtp: new\/2\.h: skipped: /),
      "qmtp: 1 message kept: cannot connect to unix:/none: no such file or directory",
      "qmtp: 1 message: 1 deferral; 1 kept, 1 skipped",
      "",
    ]);
  });

  test("is still an object for each message with --json", async () => {
    const { stdout } = await deliverMaildir(twoMessages(), ["-q", "--json", "-s", "unix:/none"]);
    expect(stdout.split("\n").length).toBe(4);
  });
});

test("with -q, a server that loses connections is reported like one that cannot be reached, with the number", async () => {
  const server = await startScriptedServer({ reply: "", after: 1, close: true });
  const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
  const run = () => deliverMaildir(maildir, ["-q", "-s", server.endpoint]);
  const why = "connection closed before a response came";
  const duplicates = "1 message may be delivered twice: sent once without a response";
  const stderr = `qmtp: 1 message kept: ${why}\nqmtp: ${duplicates}\n`;
  expect(await run()).toEqual({ ...SILENT, code: 111, stderr });
  expect(await run()).toEqual({ ...SILENT, code: 111 });
});

test("with -q, a server of another protocol is reported once, and then not for a day", async () => {
  const server = await startScriptedServer({ reply: "220 mx.example.org ESMTP\r\n", after: 1 });
  const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
  const run = () => deliverMaildir(maildir, ["-q", "-s", server.endpoint]);
  const why = 'it answered "220 mx.example.org ESMTP": this looks like an SMTP server';
  const { code, stderr } = await run();
  expect(code).toBe(111);
  expect(stderr.split("\n")).toEqual([
    "qmtp: the server broke the protocol at byte 3: no digit in the length of a response",
    `qmtp: 1 message kept: ${why}; name the port of a QMTP server, which is usually 209`,
    "",
  ]);
  expect(await run()).toEqual({ ...SILENT, code: 111 });
});

test("with -q, a violation is reported in every run in which there is more to say", async () => {
  const server = await startScriptedServer({ reply: "3:Kok,3:Kok,", after: 1 });
  const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
  const { code, stdout, stderr } = await deliverMaildir(maildir, ["-q", "-s", server.endpoint]);
  expect([code, stdout]).toEqual([111, ""]);
  expect(stderr).toContain("qmtp: the server broke the protocol at byte 6: a response to nothing");
});

/**
 * Does what a cron daemon does with the output of a job: if there is any, mails it. Here, sendmail spools it, because
 * no server can be reached.
 */
async function underCron(job: () => Promise<Finished>, spool: string): Promise<Finished> {
  const ended = await job();
  const output = ended.stdout + ended.stderr;
  if (output !== "") {
    const report = { message: `From: cron@x\nTo: root@x\nSubject: cron\n\n${output}` };
    const sent = await sendmail(["-s", "unix:/none", "-f", "cron@x", "--spool", spool, "root@x"], report);
    expect(sent.code).toBe(0);
  }
  return ended;
}

test("ten runs under cron with a dead server, whose reports land in the spool, do not make it grow", async () => {
  const spool = `${temporaryFolder()}/spool`;
  const send = ["send", "-q", "-s", "unix:/none", "-f", "a@x", "--spool", spool, "admin@x"];
  const deliver = ["maildir", "-q", "-s", "unix:/none", spool, ""];
  const messages = () => readdirSync(`${spool}/new`).length;
  expect(await underCron(() => qmtp(send, { input: "a report\n" }), spool)).toEqual({ ...SILENT, code: 0 });
  expect(messages()).toBe(1);
  for (let count = 0; count < 10; count++) {
    for (const name of readdirSync(`${spool}/new`)) grow(`${spool}/new/${name}`, 60);
    const { code } = await underCron(() => qmtp(deliver, { env: emptyQmailHome() }), spool);
    expect(code).toBe(111);
    // The report itself, and one that the server is dead.
    expect(messages()).toBe(2);
  }
  const subjects = readdirSync(`${spool}/new`).map((name) => readFileSync(`${spool}/new/${name}`, "utf8"));
  expect(subjects.filter((text) => text.includes("1 message kept: cannot connect")).length).toBe(1);
});
