import { execFileSync, spawnSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { brokenNameServer } from "../../support/name-server.ts";
import { environment, finished, start, startGroup, startQmtp, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { SENDMAIL } from "../../support/sendmail.ts";
import { skip } from "../../support/skip.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { startTimeless } from "../../support/virtual-clock.ts";
import { wirePackage } from "../../support/wire.ts";

/*
 * Reading begins at once, so that a fraction of a second will do. What waits for a connection or a response has a
 * second: a busy machine takes a while to get there.
 */

afterEach(stopAll);

const REMEDY = "check the program that writes it, or raise --max-time";

function namedPipe(): string {
  const pipe = `${temporaryFolder()}/pipe`;
  execFileSync("mkfifo", [pipe]);
  return pipe;
}

/** `qmtp send` as a process with an open pipe on standard input, which its end must not wait for. */
async function sendFrom(args: readonly string[], input = "") {
  const server = await startScriptedServer();
  const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", ...args]);
  const done = finished(child);
  child.stdin?.write(input);
  const ended = await done;
  expect(server.connections).toBe(0);
  return ended;
}

describe("--max-time ends the reading of", () => {
  const lines = (why: string) => ({
    code: 111,
    signal: null,
    stdout: ["b@y", "c@y"].map((to) => `${to}: deferral: ${why}; ${REMEDY}\n`).join(""),
    stderr: "",
  });

  test("standard input of which nothing comes", async () => {
    const why = "nothing was read from standard input within 0.3 s";
    expect(await sendFrom(["--max-time", "0.3", "b@y", "c@y"])).toEqual(lines(why));
  });

  test("standard input that does not end", async () => {
    const why = "the end of standard input was not reached within 0.6 s";
    expect(await sendFrom(["--max-time", "0.6", "b@y", "c@y"], "Subject: hi\n\nhi\n")).toEqual(lines(why));
  });

  test("a header that does not end, with the recipients of the command line", async () => {
    const why = "the end of standard input was not reached within 0.6 s";
    expect(await sendFrom(["--max-time", "0.6", "-t", "b@y", "c@y"], "To: d@y\n")).toEqual(lines(why));
  });

  test("a named pipe without a writer", async () => {
    const pipe = namedPipe();
    const why = `nothing was read from ${pipe} within 0.3 s`;
    expect(await sendFrom(["--max-time", "0.3", "--file", pipe, "b@y", "c@y"])).toEqual(lines(why));
  });

  test.each(["--attach", "--html"])("a named pipe without a writer as %s", async (option) => {
    const pipe = namedPipe();
    const why = `nothing was read from ${pipe} within 0.3 s`;
    const args = ["--max-time", "0.3", "--body", "hi", option, pipe, "b@y", "c@y"];
    expect(await sendFrom(args)).toEqual(lines(why));
  });

  test("a file that takes longer", async () => {
    const file = `${temporaryFolder()}/huge`;
    writeFileSync(file, "");
    truncateSync(file, 2 ** 37);
    const why = `the end of ${file} was not reached within 0.3 s`;
    expect(await sendFrom(["--max-time", "0.3", "--file", file, "b@y", "c@y"])).toEqual(lines(why));
  });

  test("recipients in a named pipe without a writer, with one line, because they are unknown", async () => {
    const pipe = namedPipe();
    const stderr = `qmtp: nothing was read from ${pipe} within 0.3 s; ${REMEDY}\n`;
    const args = ["--max-time", "0.3", "--body", "hi", "--to-file", pipe];
    expect(await sendFrom(args)).toEqual({ code: 111, signal: null, stdout: "", stderr });
  });

  test("recipients on standard input that does not end", async () => {
    const stderr = `qmtp: the end of standard input was not reached within 0.6 s; ${REMEDY}\n`;
    const args = ["--max-time", "0.6", "--body", "hi", "--to-file", "-"];
    expect(await sendFrom(args, "b@y\n")).toEqual({ code: 111, signal: null, stdout: "", stderr });
  });

  test("a message, in JSON", async () => {
    const { code, stdout } = await sendFrom(["--max-time", "0.3", "--json", "b@y"]);
    const message = "nothing was read from standard input within 0.3 s";
    expect(JSON.parse(stdout)).toMatchObject({
      exitCode: code,
      message: null,
      deliveries: [{ recipient: "b@y", status: "deferral", origin: "client", possibleDuplicate: false }],
      error: { code: "input-timeout", fault: "local", message: `${message}; ${REMEDY}` },
    });
    expect(code).toBe(111);
  });

  test("the message of sendmail, with exit code 75", async () => {
    const args = ["--max-time", "0.3", "-s", "unix:/none", "-f", "a@x", "b@y"];
    const child = start(process.execPath, [SENDMAIL, ...args], { env: environment(), stdio: "pipe" });
    const stderr = `qmtp-sendmail: nothing was read from standard input within 0.3 s; ${REMEDY}\n`;
    expect(await finished(child)).toEqual({ code: 75, signal: null, stdout: "", stderr });
  });
});

test("with --max-time, an error does not wait for the end of the time", async () => {
  const options = ["send", "--max-time", "1000", "-s", "unix:/none", "-f", "a@x"];
  const runs = [
    [...options, "--to-file", "/none", "--body", "hi"],
    [...options, "--file", "/none", "b@y"],
    [...options, "--body", "hi", "b@y"],
  ].map((args) => finished(startQmtp(args, { stdio: ["ignore", "pipe", "pipe"] })));
  expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([111, 111, 111]);
});

test("without --max-time, what writes to standard input may take hours", async () => {
  const sink = await startSink();
  const { child, pass } = startTimeless(["send", "-s", sink.endpoint, "-f", "a@x", "b@y"]);
  const done = finished(child);
  child.stdin?.write("Subject: hi\n\n");
  // Twice: the first time, it may not have begun to read.
  await pass(100_000_000);
  await pass(100_000_000);
  child.stdin?.end("hi\n");
  expect(await done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^b@y: success: /) });
});

describe("--max-time ends", () => {
  const send = (args: readonly string[]) =>
    qmtp(["send", "--max-time", "1", "-f", "a@x", ...args], { input: "hi\n" });

  test("connecting, also if there are other endpoints", async () => {
    const server = `127.0.0.1:${await portThatNeverAnswers()}`;
    const { code, stdout } = await send(["-s", server, "-s", "unix:/none", "b@y", "c@y"]);
    const why = `cannot connect to qmtp://${server} or unix:/none: no connection within 1 s`;
    expect([code, stdout]).toEqual([111, `b@y: deferral: ${why}\nc@y: deferral: ${why}\n`]);
  });

  test("the questions to a name server, also in a dry run", async () => {
    const env = { DNSCACHEIP: await brokenNameServer(() => {}) };
    const args = ["--max-time", "1", "-s", "mx:example.org", "-f", "a@x", "b@y"];
    const why = "cannot connect to mx:example.org: no connection within 1 s";
    const sent = await qmtp(["send", ...args], { input: "hi\n", env });
    expect(sent).toMatchObject({ code: 111, stdout: `b@y: deferral: ${why}\n`, stderr: "" });
    const dry = await qmtp(["send", "-n", ...args], { input: "hi\n", env });
    expect(dry).toMatchObject({ code: 111, stdout: "", stderr: `qmtp: ${why}\n` });
  });

  test("a TLS handshake", async () => {
    const { endpoint } = await startScriptedServer();
    const { code, stdout } = await send(["-s", `qmtps://${endpoint}`, "b@y"]);
    const why = `cannot connect to qmtps://${endpoint}: no connection within 1 s`;
    expect([code, stdout]).toEqual([111, `b@y: deferral: ${why}\n`]);
  });

  test("a message that the server does not take", async () => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
    });
    onTestFinished(() => void server.close());
    const path = `${temporaryFolder()}/socket`;
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const file = `${temporaryFolder()}/large`;
    writeFileSync(file, "");
    truncateSync(file, 64 * 1024 * 1024);
    const { code, stdout } = await send(["-s", `unix:${path}`, "--file", file, "b@y"]);
    expect([code, stdout]).toEqual([111, "b@y: deferral: it could not be sent within 1 s\n"]);
  });

  test("waiting for responses, and keeps those that came", async () => {
    const recipients = ["b@y", "c@y", "d@y"];
    const { length } = wirePackage({ message: "hi\n", recipients });
    const server = await startScriptedServer({ reply: "3:Kok,3:Dno,", after: length });
    const { code, stdout } = await send(["-s", server.endpoint, ...recipients]);
    const why = "no response came within 1 s (the message may have been delivered)";
    expect([code, stdout]).toEqual([111, `b@y: success: ok\nc@y: failure: no\nd@y: deferral: ${why}\n`]);
  });

  test("the retries: none begins that could not end in time", async () => {
    const startedAt = Date.now();
    const { code, stdout, stderr } = await send([
      "-v",
      "-s",
      "unix:/none",
      "--retry",
      "9",
      "--retry-delay",
      "2",
      "b@y",
    ]);
    const why = "cannot connect to unix:/none: no such file or directory";
    expect([code, stdout]).toEqual([111, `b@y: deferral: ${why}\n`]);
    expect(stderr).toContain("no further attempt: it would begin too late\n");
    expect(Date.now() - startedAt).toBeLessThan(1_000);
  });

  test("a retry that has begun", async () => {
    const { length } = wirePackage({ message: "hi\n" });
    const server = await startScriptedServer({ reply: "6:Zlater,", after: length });
    // The second connection gets no more than the same deferral; the third would be too late.
    const retry = ["--retry", "9", "--retry-delay", "0.4"];
    const { code, stdout } = await send(["-s", server.endpoint, ...retry, "b@y"]);
    expect([code, stdout]).toEqual([111, "b@y: deferral: later\n"]);
    expect(server.connections).toBeGreaterThanOrEqual(1);
    expect(server.connections).toBeLessThanOrEqual(3);
  });
});

test("--max-time ends a name lookup, and with it the process", async (context) => {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/resolv.conf`, "nameserver 127.0.0.1\n");
  writeFileSync(
    `${folder}/silent.cjs`,
    'require("node:dgram").createSocket("udp4").bind(53, "127.0.0.1", () => console.log("ready"));',
  );
  // Its own network, with a name server that is silent.
  const inside = [
    "set -e",
    "ip link set lo up",
    `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
    `mkfifo ${folder}/ready`,
    `"$NODE" ${folder}/silent.cjs > ${folder}/ready & server=$!`,
    `read ready < ${folder}/ready`,
    'set +e; "$NODE" "$QMTP" send --max-time 2 -s mx.example.org -f a@x --body hi b@y; code=$?',
    "kill $server; exit $code",
  ].join("\n");
  const tried = spawnSync("unshare", [
    "--mount",
    "--net",
    "sh",
    "-c",
    "ip link set lo up && mount --bind / /mnt",
  ]);
  if (tried.status !== 0)
    skip(context, "a silent name server, which needs the right to a network of its own");
  const launcher = new URL("../../../bin/qmtp", import.meta.url).pathname;
  const child = startGroup("unshare", ["--mount", "--net", "sh", "-c", inside], {
    env: environment({ NODE: process.execPath, QMTP: launcher }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const startedAt = Date.now();
  const why = "cannot connect to qmtp://mx.example.org:209: no connection within 2 s";
  expect(await finished(child)).toEqual({
    code: 111,
    signal: null,
    stdout: `b@y: deferral: ${why}\n`,
    stderr: "",
  });
  // The system's own lookup waits for twice 5 seconds.
  expect(Date.now() - startedAt).toBeLessThan(9_000);
});

test("with --max-time, names are looked up as without", async () => {
  const sink = await startSink();
  const [, port = ""] = /:(\d+)$/.exec(sink.endpoint) ?? [];
  const send = (server: string, ...options: string[]) =>
    qmtp(["send", "--max-time", "60", "-s", server, "-f", "a@x", "b@y", ...options], { input: "hi\n" });
  expect(await send(`localhost:${port}`)).toMatchObject({ code: 0, stderr: "" });
  expect(await send(`localhost:${port}`, "-4")).toMatchObject({ code: 0, stderr: "" });
  const unknown = await send("none.invalid");
  expect(unknown.code).toBe(111);
  expect(unknown.stdout).toMatch(
    /^b@y: deferral: cannot connect to qmtp:\/\/none\.invalid:209: (host not found|temporary failure in name resolution)\n$/,
  );
});
