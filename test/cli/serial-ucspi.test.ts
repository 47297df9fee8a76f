import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { isInstalled, PROGRAMS } from "../installed.ts";
import { shell, startSink, stopAll } from "../processes.ts";
import { filesLeft, mail, maildirWith } from "./maildir-case.ts";

afterEach(stopAll);

/** In CI the test fails where the program is missing, if there is a Debian package that has it. */
function isSkipped(what: string, program: string, debianPackage: string | undefined): boolean {
  if (isInstalled(program) || (process.env.CI && debianPackage !== undefined)) return false;
  const why = debianPackage
    ? `the Debian package ${debianPackage}`
    : `${program} on the path (no Debian package)`;
  console.log(`skipped: ${what}, for want of ${why}`);
  return true;
}

const noTcpclient = isSkipped("serial under tcpclient", "tcpclient", "ucspi-tcp");
const noMaildirserial =
  isSkipped("serial under maildirserial", "maildirserial", undefined) || lacksQmailHome();

/** maildirserial ends where it cannot read the qmail home that it was built with. */
function lacksQmailHome(): boolean {
  if (existsSync("/var/qmail/control/me")) return false;
  console.log("skipped: serial under maildirserial, for want of /var/qmail/control/me, which that reads");
  return true;
}

/** The arguments with which tcpclient runs what follows. */
const tcpclient = (endpoint: string) => `tcpclient -RHl0 -- 127.0.0.1 ${/\d+$/.exec(endpoint)}`;

test.skipIf(noTcpclient)("under tcpclient, against a sink", async () => {
  const stored = maildirWith({});
  const maildir = maildirWith({ "new/1.h": [20, mail("p-b@y", "hi\r\n")], "new/2.h": [10, mail("p-no@y")] });
  const sink = await startSink(["--maildir", stored, "--reject", "^no@"]);
  const run = await shell(
    `cd ${maildir}/new && printf '1.h\\0002.h\\000' | ${tcpclient(sink.endpoint)} "$QMTP" serial p-`,
    { PATH: PROGRAMS },
  );
  expect({ ...run, stdout: run.stdout.replace(/ok \d+ qp \d+/, "ok") }).toEqual({
    code: 0,
    signal: null,
    stdout:
      "1.h\0K127.0.0.1 said: ok\n" + "2.h\0D127.0.0.1 said: sorry, this recipient is refused here (#5.7.1)\n",
    stderr: "",
  });
  const [name] = readdirSync(`${stored}/new`);
  expect(readFileSync(`${stored}/new/${name}`, "latin1")).toBe(
    "Return-Path: <a@x>\nDelivered-To: b@y\nhi\r\n",
  );
});

test.skipIf(noTcpclient || noMaildirserial)("under the original maildirserial", async () => {
  const maildir = maildirWith({
    "new/1.h": [40, mail("p-b@y")],
    "cur/2.h:2,S": [30, mail("p-c@y")],
    "new/3.h": [20, mail("p-later@y")],
    "new/4.h": [10, mail("q-b@y")],
  });
  const sink = await startSink(["--defer", "^later@"]);
  const run = await shell(
    `maildirserial -t 1209600 -- ${maildir} p- ${tcpclient(sink.endpoint)} "$QMTP" serial p-`,
    { PATH: PROGRAMS },
  );
  expect(run.code, run.stderr).toBe(111);
  expect(filesLeft(maildir)).toEqual(["new/3.h", "new/4.h"]);
  expect((await sink.stop()).stdout).toBe(
    "a@x -> b@y success; 15 bytes, unix\n" +
      "a@x -> c@y success; 15 bytes, unix\n" +
      "a@x -> later@y deferral; 15 bytes, unix\n",
  );
});

test.skipIf(noTcpclient)("serial does not call it a success when nobody got the records", async () => {
  const sink = await startSink();
  const maildir = maildirWith({ "new/0.h": [9, mail("b@y")] });
  const [, port] = /:(\d+)$/.exec(sink.endpoint) as RegExpExecArray;
  const command = `printf '%s\\0' ${maildir}/new/0.h |
    tcpclient -RHl0 -- 127.0.0.1 ${port} node "$QMTP" serial '' > /dev/full`;
  const { code, stderr } = await shell(command);
  expect([code, stderr]).toEqual([111, "qmtp: cannot write the results: no space left on device\n"]);
});
