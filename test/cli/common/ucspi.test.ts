import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { isInstalled, PROGRAMS } from "../../support/installed.ts";
import { filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { type Finished, LAUNCHER, shell, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const noTcpclient = !isInstalled("tcpclient") && !process.env.CI;
if (noTcpclient) console.log("skipped: connections from tcpclient (needs the Debian package ucspi-tcp)");

const SEND = `printf 'hi\\n' | "${process.execPath}" "${LAUNCHER}" send -f a@x -s ucspi: b@y c@y`;
const PACKAGE = wirePackage({ message: "hi\n", recipients: ["b@y", "c@y"] });
const both = (text: string) => `b@y: deferral: ${text}\nc@y: deferral: ${text}\n`;
const NONE = "no connection on descriptors 6 and 7; run it under a UCSPI client such as tcpclient";
const MAYBE = "(the message may have been delivered)";

/** Runs a shell command under tcpclient. */
function underTcpclient(endpoint: string, command: string): Promise<Finished> {
  const [, port] = /:(\d+)$/.exec(endpoint) ?? [];
  return shell(`tcpclient -RHl0 -- 127.0.0.1 ${port} sh -c "$COMMAND"`, { PATH: PROGRAMS, COMMAND: command });
}

describe.skipIf(noTcpclient)("under tcpclient", () => {
  test("each recipient gets the server's response", async () => {
    const sink = await startSink(["--defer", "^c@"]);
    const sent = await underTcpclient(sink.endpoint, SEND);
    expect(sent).toMatchObject({ code: 111, signal: null, stderr: "" });
    expect(sent.stdout).toMatch(/^b@y: success: ok \d+ qp 1\nc@y: deferral: [^\n]+\n$/);
    expect((await sink.stop()).stdout).toContain("-> b@y success, c@y deferral; 3 bytes, unix\n");
  });

  test("exit code 0 means all succeeded, and JSON names the server", async () => {
    const sink = await startSink();
    const sent = await underTcpclient(sink.endpoint, `${SEND} --json`);
    const port = Number(/\d+$/.exec(sink.endpoint));
    expect(JSON.parse(sent.stdout)).toMatchObject({
      outcome: "success",
      server: { endpoint: "ucspi:", address: "127.0.0.1", port, tls: null },
    });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  });

  test("JSON has a null port when TCPREMOTEPORT is not a port", async () => {
    const sink = await startSink();
    const sent = await underTcpclient(sink.endpoint, `export TCPREMOTEIP= TCPREMOTEPORT=x; ${SEND} --json`);
    const server = { endpoint: "ucspi:", address: null, port: null, tls: null };
    expect(JSON.parse(sent.stdout)).toMatchObject({ outcome: "success", server });
  });

  test("a server that dies is a deferral", async () => {
    const server = await startScriptedServer({ reply: "", after: PACKAGE.length, close: true });
    const stdout = both(`connection closed before a response came ${MAYBE}`);
    expect(await underTcpclient(server.endpoint, SEND)).toEqual({
      code: 111,
      signal: null,
      stdout,
      stderr: "",
    });
    expect(server.received).toEqual(PACKAGE);
  });

  test("a maildir is delivered in one session", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "new/2.h": [10, mail("c@y")] });
    const sink = await startSink();
    const run = await underTcpclient(
      sink.endpoint,
      `"${process.execPath}" "${LAUNCHER}" maildir -s ucspi: ${maildir} ''`,
    );
    expect(run).toMatchObject({ code: 0, stderr: "qmtp: 2 messages: 2 success; 2 removed\n" });
    expect(filesLeft(maildir)).toEqual([]);
  });

  test("messages that would need a second session stay in the maildir", async () => {
    const maildir = maildirWith({
      "new/1.h": [30, mail("b@y")],
      "new/2.h": [20, mail("c@y")],
      "new/3.h": [10, mail("d@y")],
    });
    const length = wirePackage({ message: "Subject: x\n\nhi\n" }).length;
    const server = await startScriptedServer({ reply: "3:Kok,", after: length, close: true });
    const run = await underTcpclient(
      server.endpoint,
      `"${process.execPath}" "${LAUNCHER}" maildir -s ucspi: ${maildir} ''`,
    );
    expect(run.code, run.stderr).toBe(111);
    expect(run.stdout.trimEnd().split("\n").sort()).toEqual([
      "new/1.h: b@y: success: ok",
      ...["new/2.h: c@y", "new/3.h: d@y"].map(
        (file) => `${file}: deferral: connection closed before a response came`,
      ),
    ]);
    expect(run.stderr).not.toMatch(/\n\s+at /);
    expect(filesLeft(maildir)).toEqual(["new/2.h", "new/3.h"]);
  });
});

test.each([
  ["6<&- 7>&-", "both are closed"],
  ["6<&- 7>/dev/null", "one is closed, the other a device"],
  ["6</dev/null 7>&-", "one is a device, the other closed"],
  ["6</dev/null 7>/dev/null", "both are devices"],
  [`6<"${LAUNCHER}" 7<"${LAUNCHER}"`, "both are files"],
  ['6<>"$FIFO" 7>&-', "only 6 is a pipe"],
  ['6<&- 7<>"$FIFO"', "only 7 is a pipe"],
])("%s is not a connection: %s", async (redirections) => {
  const fifo = `${temporaryFolder()}/fifo`;
  execFileSync("mkfifo", [fifo]);
  const sent = await shell(`${SEND} ${redirections}`, { FIFO: fifo });
  expect(sent).toEqual({ code: 111, signal: null, stdout: both(NONE), stderr: "" });
});

test("a pair of pipes is a connection", async () => {
  const folder = temporaryFolder();
  for (const name of ["in", "out"]) execFileSync("mkfifo", [`${folder}/${name}`]);
  // Opening a named pipe for both reading and writing does not block.
  const [answers, packages] = ["in", "out"].map((name) => openSync(`${folder}/${name}`, constants.O_RDWR));
  writeSync(answers as number, "3:Kok,3:Zno,");
  const sent = await shell(`${SEND} 6<"$FOLDER/in" 7>"$FOLDER/out"`, { FOLDER: folder });
  expect(sent).toEqual({
    code: 111,
    signal: null,
    stdout: "b@y: success: ok\nc@y: deferral: no\n",
    stderr: "",
  });
  const buffer = Buffer.alloc(1_000);
  expect(buffer.subarray(0, readSync(packages as number, buffer))).toEqual(PACKAGE);
  for (const fd of [answers, packages]) closeSync(fd as number);
});
