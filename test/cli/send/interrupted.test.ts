import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { isInstalled } from "../../support/installed.ts";
import {
  endedBy,
  environment,
  finished,
  LAUNCHER,
  printed,
  startGroup,
  startQmtp,
  stopAll,
} from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { skip } from "../../support/skip.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

describe.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s", (signal) => {
  const unsent = `deferral: interrupted by ${signal}`;
  const sent = `${unsent}; no response came (the message may have been delivered)`;

  test("while waiting for responses gives each recipient one line, and ends with exit code 111 or SIGINT", async () => {
    const sink = await startSink(["--fault", "stall"]);
    const child = startQmtp(["send", "-s", sink.endpoint, "-f", "a@x", "b@y", "c@y", "b@y"]);
    const done = finished(child);
    child.stdin?.end("hi\n");
    await sink.nextLine();
    child.kill(signal);
    const stdout = `b@y: ${sent}\nc@y: ${sent}\nb@y: ${sent}\n`;
    expect(await done).toEqual({ ...endedBy(signal), stdout, stderr: "" });
  });

  test("keeps the results so far", async () => {
    const length = wirePackage({ message: "", recipients: ["b@y", "c@y"] }).length;
    const server = await startScriptedServer({ reply: "3:Kok,", after: length });
    const child = startQmtp(["send", "-v", "-s", server.endpoint, "-f", "a@x", "b@y", "c@y"]);
    const done = finished(child);
    child.stdin?.end();
    await printed(child.stderr, / < 3:Kok,\n/);
    child.kill(signal);
    expect(await done).toMatchObject({ ...endedBy(signal), stdout: `b@y: success: ok\nc@y: ${sent}\n` });
  });

  test("while reading an open standard input sends nothing", async () => {
    const server = await startScriptedServer();
    const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "c@y"]);
    const done = finished(child);
    // More than the pipe holds: the write completes only when the other end reads.
    await new Promise((resolve) => child.stdin?.write(Buffer.alloc(2 * 1024 * 1024, "x"), resolve));
    child.kill(signal);
    expect(await done).toEqual({
      ...endedBy(signal),
      stdout: `b@y: ${unsent}\nc@y: ${unsent}\n`,
      stderr: "",
    });
    expect(server.connections).toBe(0);
  });

  test("while connecting sends nothing", async () => {
    const port = await portThatNeverAnswers();
    const child = startQmtp([
      "send",
      "-v",
      "-s",
      `127.0.0.1:${port}`,
      "-s",
      "unix:/none",
      "-f",
      "a@x",
      "b@y",
    ]);
    const done = finished(child);
    child.stdin?.end();
    await printed(child.stderr, /connecting to/);
    child.kill(signal);
    const stderr = `+0.0 ms * connecting to qmtp://127.0.0.1:${port}\n`;
    expect(await done).toEqual({ ...endedBy(signal), stdout: `b@y: ${unsent}\n`, stderr });
  });
});

test("SIGINT while reading an open named pipe sends nothing", async () => {
  const server = await startScriptedServer();
  const pipe = `${temporaryFolder()}/pipe`;
  execFileSync("mkfifo", [pipe]);
  const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--file", pipe]);
  const done = finished(child);
  const writer = createWriteStream(pipe, { flags: "a" });
  await new Promise((resolve) => writer.write(Buffer.alloc(2 * 1024 * 1024, "x"), resolve));
  child.kill("SIGINT");
  const stdout = "b@y: deferral: interrupted by SIGINT\n";
  expect(await done).toEqual({ ...endedBy("SIGINT"), stdout, stderr: "" });
  expect(server.connections).toBe(0);
  writer.destroy();
});

test("Ctrl-C ends a shell's loop, after the report", async (context) => {
  if (!isInstalled("bash")) skip(context, "Ctrl-C in a loop of bash, which is not installed");
  const sink = await startSink(["--fault", "stall"]);
  const send = `"$QMTP" send -s ${sink.endpoint} -f a@x b@y < /dev/null`;
  const shell = startGroup("bash", ["-c", `for n in 1 2 3; do ${send}; echo again; done; echo after`], {
    env: environment({ QMTP: LAUNCHER }),
    stdio: "pipe",
  });
  const done = finished(shell);
  await sink.nextLine();
  // A terminal sends it to everything in the foreground.
  process.kill(-(shell.pid as number), "SIGINT");
  const why = "interrupted by SIGINT; no response came (the message may have been delivered)";
  expect(await done).toMatchObject({ signal: "SIGINT", stdout: `b@y: deferral: ${why}\n` });
});

test("SIGINT after a verdict changes nothing: what was delivered is not sent again", async () => {
  // A server that answers, and never closes the connection: after several packages, the client waits for its last words.
  const recipients = ["b@y", "c@y"];
  const packages = recipients.map((recipient) => wirePackage({ message: "", recipients: [recipient] }));
  const server = await startScriptedServer({ reply: "3:Kok,3:Kok,", after: Buffer.concat(packages).length });
  const child = startQmtp(["send", "--split", "-v", "-s", server.endpoint, "-f", "a@x", ...recipients]);
  const done = finished(child);
  child.stdin?.end();
  await printed(child.stderr, /(?: < 3:Kok,\n.*){2}/);
  child.kill("SIGINT");
  expect(await done).toMatchObject({ code: 0, signal: null, stdout: "b@y: success: ok\nc@y: success: ok\n" });
});

test("SIGINT is reported in --json, with the same deferrals", async () => {
  const sink = await startSink(["--fault", "stall"]);
  const child = startQmtp(["send", "-s", sink.endpoint, "-f", "a@x", "b@y", "--json"]);
  const done = finished(child);
  child.stdin?.end("hi\n");
  await sink.nextLine();
  child.kill("SIGINT");
  const { stdout, ...ended } = await done;
  const text = "interrupted by SIGINT; no response came (the message may have been delivered)";
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: "failed",
    exitCode: 111,
    deliveries: [{ recipient: "b@y", status: "deferral", text, origin: "client", possibleDuplicate: true }],
    error: { code: "interrupted", fault: "local", message: "interrupted by SIGINT" },
  });
  expect(ended).toEqual({ ...endedBy("SIGINT"), stderr: "" });
});

test("a second SIGINT ends a command whose report is stuck", async () => {
  const list = `${temporaryFolder()}/list`;
  writeFileSync(list, "recipient@example.org\n".repeat(50_000));
  const sink = await startSink(["--fault", "stall"]);
  const child = startQmtp(["send", "-s", sink.endpoint, "-f", "a@x", "--to-file", list]);
  const ended = once(child, "exit");
  child.stdin?.end();
  await sink.nextLine();
  child.kill("SIGINT");
  // The report has begun, and the rest of it is never read.
  await once(child.stdout as NodeJS.ReadableStream, "readable");
  child.kill("SIGINT");
  expect(await ended).toEqual([null, "SIGINT"]);
});
