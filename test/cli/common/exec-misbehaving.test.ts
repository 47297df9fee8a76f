import { afterAll, describe, expect, test } from "vitest";
import { newMark } from "../../support/leftovers.ts";
import { endedBy, finished, printed, qmtp, startQmtp, stopAll } from "../../support/processes.ts";
import { wirePackage } from "../../support/wire.ts";

// Not afterEach: it would kill processes of the tests running concurrently.
afterAll(stopAll);

const PACKAGE = wirePackage({ message: "hi\n", recipients: ["b@y", "c@y"] }).length;
/** Reads the whole package and responds for both recipients. */
const ANSWER = `head -c ${PACKAGE} > /dev/null; printf 3:Kok,3:Zno,`;
const ANSWERED = "b@y: success: ok\nc@y: deferral: no\n";
const MAYBE = "(the message may have been delivered)";

const args = (command: string, ...more: string[]) => [
  ...["send", "-f", "a@x", "-s", `exec:${command}`],
  ...more,
  ...["b@y", "c@y"],
];
const both = (text: string) => `b@y: deferral: ${text}\nc@y: deferral: ${text}\n`;

interface Case {
  readonly command: string;
  readonly options?: readonly string[];
  readonly input?: string | Buffer;
  readonly stdout: string | RegExp;
  readonly stderr?: string | RegExp;
  readonly code?: number;
}

const early = (text: string) =>
  new RegExp(
    `^b@y: deferral: ${text} before (a response came \\(the message may have been delivered\\)|the message was sent)\n` +
      `c@y: deferral: ${text} before (a response came \\(the message may have been delivered\\)|the message was sent)\n$`,
  );

const CASES: Record<string, Case> = {
  "is not found": {
    command: "/none/server",
    stdout: early("the server ended with exit code 127"),
    stderr: /^qmtp: server: [^\n]*\/none\/server: not found\n$/,
  },
  "cannot be run": {
    command: "/dev/null",
    stdout: early("the server ended with exit code 126"),
    stderr: /^qmtp: server: [^\n]*\/dev\/null: Permission denied\n$/,
  },
  "exits at once with code 0": { command: "exit 0", stdout: early("connection closed") },
  "exits partway through the package": {
    command: "head -c 5 > /dev/null; exit 1",
    stdout: early("the server ended with exit code 1"),
  },
  "exits partway through a large package": {
    command: "head -c 500000 > /dev/null; exit 1",
    input: Buffer.alloc(4_000_000, "x\n"),
    stdout: both("the server ended with exit code 1 before the message was sent"),
  },
  "exits after the package without responding": {
    command: `head -c ${PACKAGE} > /dev/null`,
    stdout: both(`connection closed before a response came ${MAYBE}`),
  },
  "responds for one of two recipients, then fails": {
    command: `head -c ${PACKAGE} > /dev/null; printf 3:Kok,; exit 3`,
    stdout: `b@y: success: ok\nc@y: deferral: the server ended with exit code 3 before a response came ${MAYBE}\n`,
  },
  "responds for both recipients, then fails": { command: `${ANSWER}; exit 3`, stdout: ANSWERED },
  "is killed": {
    command: "head -c 5 > /dev/null; kill -KILL $$",
    stdout: early("the server was killed by SIGKILL"),
  },
  "sends something other than a response": {
    command: "head -c 5 > /dev/null; echo hello; exec cat > /dev/null",
    stdout: both(`the server broke the protocol: it answered "hello"; no response came ${MAYBE}`),
    stderr:
      "qmtp: the server broke the protocol at byte 0: no digit at the start of the length of a response\n",
  },
  "responds before it has read the package": {
    command: "printf 3:Dno,3:Zno,; exit 0",
    input: Buffer.alloc(4_000_000, "x\n"),
    stdout: both("the server broke the protocol (a response before the end of the package: failure: no)"),
    stderr:
      "qmtp: the server broke the protocol at byte 0: a response before the end of the package: failure: no\n",
  },
  "closes its output but keeps running": {
    command: "exec >&-; sleep 1000",
    stdout: both(`connection closed before a response came ${MAYBE}`),
  },
  "never reads": {
    command: "sleep 1000",
    options: ["--timeout", "1"],
    input: Buffer.alloc(4_000_000, "x\n"),
    stdout: both("idle for 1 s"),
  },
  "never responds": {
    command: `head -c ${PACKAGE} > /dev/null; sleep 1000`,
    options: ["--timeout", "1"],
    stdout: both(`idle for 1 s; no response came ${MAYBE}`),
  },
  "keeps running when all is done": { command: `${ANSWER}; sleep 1000`, stdout: ANSWERED },
  "ignores SIGTERM": {
    command: `trap '' TERM; ${ANSWER}; while :; do sleep 1000; done`,
    stdout: ANSWERED,
  },
  "leaves a background process": { command: `sleep 1000 & ${ANSWER}`, stdout: ANSWERED },
  "leaves a background process that ignores SIGTERM": {
    command: `(trap '' TERM; exec sleep 1000) & ${ANSWER}`,
    stdout: ANSWERED,
  },
  "leaves a background process that holds none of its streams": {
    command: `sleep 1000 < /dev/null > /dev/null 2>&1 & ${ANSWER}`,
    stdout: ANSWERED,
  },
};

describe("no process is left of a child server that", () => {
  test.concurrent.for(Object.entries(CASES))("%s", async ([, row], { expect }) => {
    const mark = newMark();
    const { command, options = [], input = "hi\n", stdout, stderr = "", code = 111 } = row;
    const sent = await qmtp(args(command, ...options), { input, env: mark.env });
    expect(sent).toEqual({
      code,
      signal: null,
      stdout: typeof stdout === "string" ? stdout : expect.stringMatching(stdout),
      stderr: typeof stderr === "string" ? stderr : expect.stringMatching(stderr),
    });
    expect(await mark.left()).toEqual([]);
  });
});

describe.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s leaves no process of a server that", (signal) => {
  test.each([
    ["waits", "echo up >&2; sleep 1000"],
    ["ignores SIGTERM", "trap '' TERM; echo up >&2; while :; do sleep 1000; done"],
    ["has a background process", "sleep 1000 & echo up >&2; exec cat > /dev/null"],
  ])("%s", async (_, command) => {
    const mark = newMark();
    const child = startQmtp(args(command), { env: mark.env });
    const done = finished(child);
    child.stdin?.end("hi\n");
    await printed(child.stderr, /^qmtp: server: up\n/);
    child.kill(signal);
    const { stdout, ...rest } = await done;
    expect(rest).toEqual({ ...endedBy(signal), stderr: "qmtp: server: up\n" });
    expect(stdout).toMatch(
      new RegExp(
        `^b@y: deferral: interrupted by ${signal}[^\n]*\nc@y: deferral: interrupted by ${signal}[^\n]*\n$`,
      ),
    );
    expect(await mark.left()).toEqual([]);
  });
});

test("a second signal ends the run without waiting for a server that ignores SIGTERM, and leaves no process of it", async () => {
  const mark = newMark();
  const child = startQmtp(args("trap '' TERM; echo up >&2; while :; do sleep 1000; done"), { env: mark.env });
  const done = finished(child);
  child.stdin?.end("hi\n");
  await printed(child.stderr, /^qmtp: server: up\n/);
  child.kill("SIGINT");
  await printed(child.stdout, /^b@y: deferral: interrupted/);
  child.kill("SIGINT");
  expect(await done).toMatchObject({ code: null, signal: "SIGINT" });
  expect(await mark.left()).toEqual([]);
});
