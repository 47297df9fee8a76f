import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import {
  deliverMaildir,
  emptyQmailHome,
  fakeQueue,
  filesLeft,
  mail,
  maildirWith,
} from "../../support/maildirs.ts";
import { environment, finished, LAUNCHER, start, startQmtp, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

afterEach(stopAll);

/** Starts a run that has sent its message and waits for a response that never comes. */
async function startStalledRun(maildir: string, options: readonly string[] = []) {
  const sink = await startSink(["--fault", "stall"]);
  const args = ["maildir", ...options, "-s", sink.endpoint, maildir, ""];
  const child = startQmtp(args, { env: emptyQmailHome() });
  const done = finished(child);
  await sink.nextLine();
  return { child, done };
}

describe("two concurrent runs on one maildir", () => {
  test("the second exits at once with code 111 and sends nothing", async () => {
    const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
    await startStalledRun(maildir);
    const server = await startScriptedServer();
    const why = `another run is delivering the maildir ${maildir} (it has locked ${maildir}/.qmtp-lock); nothing was done`;
    for (const options of [[], ["--json"]]) {
      const second = await deliverMaildir(maildir, [...options, "-s", server.endpoint]);
      expect(second).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${why}\n` });
    }
    const quiet = await deliverMaildir(maildir, ["-q", "-s", server.endpoint]);
    expect(quiet).toEqual({ code: 111, signal: null, stdout: "", stderr: "" });
    expect([filesLeft(maildir), server.connections]).toEqual([["new/1.h"], 0]);
  });

  test("a dry run needs no lock", async () => {
    const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
    await startStalledRun(maildir);
    const run = await deliverMaildir(maildir, ["-n", "-s", "unix:/none"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("new/1.h");
  });

  test("a run on another maildir is unaffected", async () => {
    await startStalledRun(maildirWith({ "new/1.h": [10, mail("b@y")] }));
    const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    expect(run).toMatchObject({ code: 0, stdout: "new/1.h: b@y: success: ok\n" });
  });
});

test("after SIGKILL of a run the next one works at once, with nothing to clean up", async () => {
  const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
  const { child, done } = await startStalledRun(maildir);
  child.kill("SIGKILL");
  expect(await done).toMatchObject({ signal: "SIGKILL" });
  expect(filesLeft(maildir)).toEqual(["new/1.h"]);
  const sink = await startSink();
  const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
  expect(run).toMatchObject({ code: 0, stdout: "new/1.h: b@y: success: ok\n" });
  expect(filesLeft(maildir)).toEqual([]);
});

test("SIGTERM ends a run with one line for each message sent, after --timeout, and releases the lock", async () => {
  const maildir = maildirWith({ "new/1.h": [10, mail("b@y")] });
  const { child, done } = await startStalledRun(maildir, ["--timeout", "2"]);
  child.kill("SIGTERM");
  const why = "interrupted by SIGTERM; no response came";
  expect(await done).toMatchObject({ code: 111, stdout: `new/1.h: b@y: deferral: ${why}\n` });
  const sink = await startSink();
  expect((await deliverMaildir(maildir, ["-s", sink.endpoint])).code).toBe(0);
});

const MAILDIRQMTP = LAUNCHER.replace(/qmtp$/, "maildirqmtp");

function maildirqmtp(args: readonly string[], env: Record<string, string> = emptyQmailHome()) {
  const child = start(process.execPath, [MAILDIRQMTP, ...args], { env: environment(env), stdio: "pipe" });
  return finished(child);
}

describe("maildirqmtp", () => {
  const rows: ReadonlyArray<[string, string[]]> = [
    ["no arguments", []],
    ["one argument", ["x"]],
    ["two arguments", ["x", ""]],
    ["four arguments", ["x", "", "127.0.0.1", "209"]],
    ["an extra option", ["-v", "x", "", "127.0.0.1"]],
  ];
  test.each(rows)("with %s prints one line of usage, with exit code 100", async (_name, args) => {
    const stderr = "maildirqmtp: usage: maildirqmtp dir prefix host; see maildirqmtp(1)\n";
    expect(await maildirqmtp(args)).toEqual({ code: 100, signal: null, stdout: "", stderr });
  });

  test.each(["-h", "--help"])("with %s prints its own help", async (flag) => {
    const { code, stdout, stderr } = await maildirqmtp([flag]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Usage: maildirqmtp dir prefix host\n/);
  });

  test("bounces failures and deferrals older than two weeks, and keeps newer deferrals", async () => {
    const maildir = maildirWith({
      "new/1.h": [1_209_660, mail("p-later@y")],
      "new/2.h": [1_209_540, mail("p-later@y")],
      "new/3.h": [10, mail("p-no@y", "", "s@x")],
      "new/4.h": [9, mail("p-b@y")],
      "new/5.h": [8, mail("q-b@y")],
    });
    const queue = fakeQueue();
    const sink = await startSink(["--reject", "^no@", "--defer", "^later@"]);
    // An endpoint works in place of a host.
    const run = await maildirqmtp([maildir, "p-", sink.endpoint], queue.env);
    expect(run.code).toBe(111);
    expect(filesLeft(maildir)).toEqual(["new/2.h", "new/5.h"]);
    expect(queue.envelope).toBe("F\0Ta@x\0\0F\0Ts@x\0\0");
  });

  test("does not mistake a maildir or prefix that looks like an option", async () => {
    const parent = maildirWith({ "new/1.h": [10, mail("-n@y")] });
    const sink = await startSink();
    const child = start(process.execPath, [MAILDIRQMTP, "-b", "-n", sink.endpoint], {
      cwd: parent,
      env: environment(emptyQmailHome()),
      stdio: "pipe",
    });
    const why =
      "cannot read new of the maildir -b: no such file or directory; name a folder with tmp, new and cur";
    expect(await finished(child)).toMatchObject({ code: 111, stderr: `maildirqmtp: ${why}\n` });
    const run = await maildirqmtp([parent, "-n", sink.endpoint]);
    expect([run.code, filesLeft(parent)]).toEqual([0, []]);
    expect(await sink.nextLine()).toBe("a@x -> @y success; 15 bytes, unix");
  });
});
