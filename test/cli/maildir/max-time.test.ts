import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const twoMessages = () => maildirWith({ "new/1.h": [20, mail("b@y")], "new/2.h": [10, mail("no@y")] });

describe("--max-time ends a run", () => {
  test("that waits for responses: those it got count, and the others may have been delivered", async () => {
    const maildir = twoMessages();
    const server = await startScriptedServer({ reply: "3:Kok,", after: 1 });
    const run = await deliverMaildir(maildir, ["--max-time", "1", "-s", server.endpoint]);
    expect(run).toEqual({
      code: 111,
      signal: null,
      stdout: "new/1.h: b@y: success: ok\nnew/2.h: no@y: deferral: no response came within 1 s\n",
      stderr:
        "qmtp: 1 message may be delivered twice: sent once without a response\n" +
        "qmtp: 2 messages: 1 success, 1 deferral; 1 removed, 1 kept\n",
    });
    expect(filesLeft(maildir)).toEqual(["new/2.h"]);
  });

  test("that waits for a connection, with the reason for each message, or one line with -q", async () => {
    const maildir = twoMessages();
    const server = `127.0.0.1:${await portThatNeverAnswers()}`;
    const why = `cannot connect to qmtp://${server}: no connection within 1 s`;
    const run = await deliverMaildir(maildir, ["--max-time", "1", "-s", server]);
    expect(run.stdout).toBe(`new/1.h: b@y: deferral: ${why}\nnew/2.h: no@y: deferral: ${why}\n`);
    expect(run.stderr).toBe("qmtp: 2 messages: 2 deferral; 2 kept\n");
    const quiet = await deliverMaildir(maildir, ["-q", "--max-time", "1", "-s", server]);
    expect([quiet.stdout, quiet.stderr]).toEqual(["", `qmtp: 2 messages kept: ${why}\n`]);
    expect([run.code, quiet.code, filesLeft(maildir).length]).toEqual([111, 111, 2]);
  });

  test("that waits for qmail-queue: the failure is kept", async () => {
    const maildir = twoMessages();
    const sink = await startSink(["--reject", "^no@"]);
    const home = temporaryFolder();
    mkdirSync(`${home}/bin`);
    writeFileSync(`${home}/bin/qmail-queue`, "#!/bin/sh\nexec sleep 100\n");
    chmodSync(`${home}/bin/qmail-queue`, 0o755);
    const env = { QMAILHOME: home, QMAILQUEUE: "" };
    const run = await deliverMaildir(maildir, ["-b", "--max-time", "1", "-s", sink.endpoint], "", env);
    expect(run.code).toBe(111);
    expect(run.stdout).toMatch(
      /^new\/1\.h: b@y: success: ok\nnew\/2\.h: no@y: failure: .* \(kept; not bounced: /,
    );
    expect(filesLeft(maildir)).toEqual(["new/2.h"]);
  });

  test("that waits for the server that takes bounces: the failure is kept", async () => {
    const maildir = twoMessages();
    const sink = await startSink(["--reject", "^no@"]);
    const bounces = `127.0.0.1:${await portThatNeverAnswers()}`;
    const options = ["-b", "--bounce-server", bounces, "--max-time", "1", "-s", sink.endpoint];
    const run = await deliverMaildir(maildir, options);
    expect(run.code).toBe(111);
    const why = `not bounced: cannot connect to qmtp://${bounces}: no connection within 1 s`;
    expect(run.stdout.split("\n")[1]).toMatch(
      new RegExp(`^new/2\\.h: no@y: failure: .* \\(kept; ${why}\\)$`),
    );
    expect(filesLeft(maildir)).toEqual(["new/2.h"]);
  });
});
