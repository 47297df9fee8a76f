import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { isInstalled, PROGRAMS } from "../../support/installed.ts";
import { filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { shell, stopAll } from "../../support/processes.ts";

afterEach(stopAll);

/** In CI, a missing program is a failure rather than a skip if a Debian package provides it. */
function isSkipped(what: string, program: string, debianPackage: string | undefined): boolean {
  if (isInstalled(program) || (process.env.CI && debianPackage !== undefined)) return false;
  const why = debianPackage
    ? `needs the Debian package ${debianPackage}`
    : `needs ${program} on the path; no Debian package has it`;
  console.log(`skipped: ${what} (${why})`);
  return true;
}

const noTcpclient = isSkipped("serial under tcpclient", "tcpclient", "ucspi-tcp");
const noMaildirserial =
  isSkipped("serial under maildirserial", "maildirserial", undefined) || lacksQmailHome();

/** maildirserial exits if it cannot read the qmail home it was built with. */
function lacksQmailHome(): boolean {
  if (existsSync("/var/qmail/control/me")) return false;
  console.log("skipped: serial under maildirserial (it reads /var/qmail/control/me, which is missing)");
  return true;
}

/** A tcpclient command line, to be followed by the program to run. */
const tcpclient = (endpoint: string) => `tcpclient -RHl0 -- 127.0.0.1 ${/\d+$/.exec(endpoint)}`;

test.skipIf(noTcpclient)("serial works under tcpclient, against a sink", async () => {
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

test.skipIf(noTcpclient || noMaildirserial)("serial works under the original maildirserial", async () => {
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
  // maildirserial passes names of nearly the same age in any order.
  const printed = (await sink.stop()).stdout.split("\n").sort();
  expect(printed).toEqual([
    "",
    "a@x -> b@y success; 15 bytes, unix",
    "a@x -> c@y success; 15 bytes, unix",
    "a@x -> later@y deferral; 15 bytes, unix",
  ]);
});

test.skipIf(noTcpclient)("serial exits with 111 if its records cannot be written", async () => {
  const sink = await startSink();
  const maildir = maildirWith({ "new/0.h": [9, mail("b@y")] });
  const [, port] = /:(\d+)$/.exec(sink.endpoint) as RegExpExecArray;
  const command = `printf '%s\\0' ${maildir}/new/0.h |
    tcpclient -RHl0 -- 127.0.0.1 ${port} node "$QMTP" serial '' > /dev/full`;
  const { code, stderr } = await shell(command);
  expect([code, stderr]).toEqual([111, "qmtp: cannot write the results: no space left on device\n"]);
});
