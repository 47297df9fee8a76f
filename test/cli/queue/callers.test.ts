import { readFileSync, writeFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { isInstalled, PROGRAMS } from "../../support/installed.ts";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { environment, type Finished, finished, startGroup, stopAll } from "../../support/processes.ts";
import { homeWith, QMAIL_QMTPC } from "../../support/qmail-qmtpc.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const noMailfront = !isInstalled("qmtpfront-qmail") && !process.env.CI;
if (noMailfront) console.log("skipped: programs that honour QMAILQUEUE (needs the Debian package mailfront)");

/** Runs a mailfront server on standard input and output; it passes accepted mail to QMAILQUEUE. */
async function mailfront(program: string, home: Record<string, string>, input: Buffer): Promise<Finished> {
  writeFileSync(`${home.QMAILHOME}/control/rcpthosts`, "y.example\n");
  const child = startGroup(program, [], {
    env: environment({
      ...{ ...home, PATH: PROGRAMS, QMAILQUEUE: QMAIL_QMTPC, PROTO: "TCP" },
      ...{ TCPREMOTEIP: "127.0.0.1", TCPLOCALIP: "127.0.0.1", TCPLOCALHOST: "here.example" },
    }),
    stdio: "pipe",
  });
  child.stdin?.on("error", () => {});
  (child.stdin as Writable).end(input);
  return finished(child);
}

const ADDRESSES = { sender: "a@x.example", recipients: ["b@y.example", "c@y.example"] };
const QMTP = wirePackage({ message: "Subject: x\n\nhi\n", ...ADDRESSES });
const SMTP = Buffer.from(
  "HELO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\n" +
    "DATA\r\nSubject: x\r\n\r\nhi\r\n..\r\n.\r\nQUIT\r\n",
);
const QMQP = netstring(
  Buffer.concat([
    netstring("Subject: x\n\nhi\n"),
    netstring("a@x.example"),
    ...["b@y.example", "c@y.example"].map(netstring),
  ]),
);

describe.skipIf(noMailfront)("mailfront, with qmail-qmtpc as QMAILQUEUE:", () => {
  test.each([
    ["qmtpfront-qmail", QMTP, /^(\d+:K[^,]*,)+$/, "hi\n"],
    ["qmqpfront-qmail", QMQP, /^\d+:K[^,]*,$/, "hi\n"],
    ["smtpfront-qmail", SMTP, /^250 2\.6\.0 Accepted message.*$/m, "hi\n.\n"],
  ])("%s passes on what it accepts", async (program, input, answer, end) => {
    const maildir = maildirWith({});
    const sink = await startSink(["--maildir", maildir]);
    const run = await mailfront(program, homeWith(sink.endpoint), input);
    expect(run.stdout, run.stderr).toMatch(answer);
    expect(await sink.nextLine()).toMatch(
      /^a@x\.example -> b@y\.example success, c@y\.example success; \d+ bytes, unix$/,
    );
    const [file] = filesLeft(maildir);
    const stored = readFileSync(`${maildir}/${file}`, "utf8");
    expect(stored).toMatch(/^Received: /m);
    expect(stored.endsWith(`\nSubject: x\n\n${end}`), stored).toBe(true);
  });

  test.each([
    ["a refusal is a permanent failure", ["--reject", "^c"], /^(\d+:D[^,]*,)+$/],
    ["a deferral is a temporary failure", ["--defer", "^c"], /^(\d+:Z[^,]*,)+$/],
    [
      "a server that hangs up is a temporary failure",
      ["--fault", "close-before-response"],
      /^(\d+:Z[^,]*,)+$/,
    ],
  ])("%s", async (_what, options, answer) => {
    const sink = await startSink(options);
    const run = await mailfront("qmtpfront-qmail", homeWith(sink.endpoint), QMTP);
    expect(run.stdout, run.stderr).toMatch(answer);
  });

  test("a server that is down or not configured is a temporary failure", async () => {
    for (const home of [homeWith(`127.0.0.1:${await unusedPort()}`), homeWith()]) {
      const run = await mailfront("qmtpfront-qmail", home, QMTP);
      expect(run.stdout, run.stderr).toMatch(/^(\d+:Z[^,]*,)+$/);
    }
  });
});

describe("`qmtp maildir --bounce` with qmail-qmtpc as QMAILQUEUE", () => {
  const refused = () => maildirWith({ "new/1.h": [10, mail("no@y", "Subject: x\n\nhi\n", "s@x")] });

  test("bounces to the sender, from the null sender, then removes the message", async () => {
    const [judge, sink] = [await startSink(["--reject", "^no"]), await startSink()];
    const maildir = refused();
    const env = { ...homeWith(sink.endpoint), QMAILQUEUE: QMAIL_QMTPC };
    const run = await deliverMaildir(maildir, ["-b", "-s", judge.endpoint], "", env);
    expect(run).toMatchObject({ code: 0, stderr: "qmtp: 1 message: 1 failure; 1 bounced\n" });
    expect(run.stdout).toMatch(/^new\/1\.h: no@y: failure: .*bounced to s@x\)\n$/);
    expect(await sink.nextLine()).toMatch(/^<> -> s@x success; \d+ bytes, unix$/);
    expect(filesLeft(maildir)).toEqual([]);
  });

  test("keeps the message if the bounce is not accepted", async () => {
    for (const options of [
      ["--reject", "^s@x"],
      ["--defer", "^s@x"],
    ]) {
      const [judge, sink] = [await startSink(["--reject", "^no"]), await startSink(options)];
      const maildir = refused();
      const env = { ...homeWith(sink.endpoint), QMAILQUEUE: QMAIL_QMTPC };
      const run = await deliverMaildir(maildir, ["-b", "-s", judge.endpoint], "", env);
      expect(run.code, run.stderr).toBe(111);
      expect(filesLeft(maildir)).toEqual(["new/1.h"]);
    }
  });

  test("sends the bounce to the server that QMTP_SERVER names", async () => {
    const sink = await startSink(["--reject", "^no"]);
    const maildir = refused();
    const env = { ...homeWith("unix:/none"), QMAILQUEUE: QMAIL_QMTPC, QMTP_SERVER: sink.endpoint };
    const run = await deliverMaildir(maildir, ["-b"], "", env);
    expect(run).toMatchObject({ code: 0, stderr: "qmtp: 1 message: 1 failure; 1 bounced\n" });
    expect((await sink.stop()).stdout).toMatch(/ -> no@y failure; [^\n]+\n[^\n]* -> s@x success; /);
  });
});
