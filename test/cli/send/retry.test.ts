import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { endedBy, finished, printed, startQmtp, stopAll } from "../../support/processes.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { untimed } from "../../support/transcripts.ts";

afterEach(stopAll);

/** Waits as short as possible: their length is tested elsewhere, on fake timers. */
const AT_ONCE = ["--retry-delay", "0.001"];

test("deferred recipients are sent the message again, and JSON reports each attempt", async () => {
  const sink = await startSink(["--defer", "^later@", "--exit-after", "3"]);
  const args = ["send", "--json", "--retry", "2", ...AT_ONCE, "-s", sink.endpoint, "-f", "a@x"];
  const { code, stdout, stderr } = await qmtp([...args, "b@y", "later@y"], { input: "hi\n" });
  const why = "sorry, this recipient is deferred here (#4.3.0)";
  const said = `qmtp: attempt 2 of 3 in 0 s: ${why}\nqmtp: attempt 3 of 3 in 0 s: ${why}\n`;
  expect({ code, stderr }).toEqual({ code: 111, stderr: said });
  const { deliveries, attempts } = JSON.parse(stdout);
  expect(deliveries.map(({ status }: { status: string }) => status)).toEqual(["success", "deferral"]);
  const again = {
    server: { endpoint: sink.endpoint, address: "127.0.0.1", port: expect.any(Number) as number, tls: null },
    recipients: 1,
    counts: { success: 0, deferral: 1, failure: 0 },
    timing: {
      connectMs: expect.any(Number) as number,
      sendMs: expect.any(Number) as number,
      responseMs: expect.any(Number) as number,
    },
    violations: [],
    error: null,
  };
  const first = { ...again, recipients: 2, counts: { success: 1, deferral: 1, failure: 0 } };
  expect(attempts).toEqual([first, again, again]);
  expect((await sink.done).stdout).toBe(
    "a@x -> b@y success, later@y deferral; 3 bytes, unix\n" +
      "a@x -> later@y deferral; 3 bytes, unix\n".repeat(2),
  );
});

test("without --retry there is one attempt", async () => {
  const sink = await startSink(["--defer", ".", "--exit-after", "1"]);
  const { stdout } = await qmtp(["send", "--json", "-s", sink.endpoint, "-f", "a@x", "b@y"], {
    input: "hi\n",
  });
  expect(JSON.parse(stdout).attempts.length).toBe(1);
  expect((await sink.done).stdout).toBe("a@x -> b@y deferral; 3 bytes, unix\n");
});

test("a server that refuses connections is tried again, and -v reports each attempt", async () => {
  const port = await unusedPort();
  const args = ["send", "-v", "--retry", "2", ...AT_ONCE, "-s", `127.0.0.1:${port}`, "-f", "a@x", "b@y"];
  const { code, stdout, stderr } = await qmtp(args, { input: "hi\n" });
  const refused = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
  expect({ code, stdout }).toEqual({ code: 111, stdout: `b@y: deferral: ${refused}\n` });
  const attempt = `* connecting to qmtp://127.0.0.1:${port}\n* ${refused}\n`;
  const then = (number: number) => `* attempt ${number} of 3, to 1 of the recipients, in 0.0 s\n`;
  expect(untimed(stderr).join("\n")).toBe(attempt + then(2) + attempt + then(3) + attempt);
});

describe("each retry is announced once, on standard error", () => {
  const run = async (...more: string[]) => {
    const port = await unusedPort();
    const retry = ["--retry", "3", ...AT_ONCE];
    const args = ["send", ...retry, "-s", `127.0.0.1:${port}`, "-f", "a@x", ...more, "b@y", "c@y"];
    const why = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    return { ...(await qmtp(args, { input: "hi\n" })), why };
  };

  test("with its number, the delay, the reason and how many recipients it is for", async () => {
    const { code, stderr, why } = await run();
    const line = (attempt: number) => `qmtp: attempt ${attempt} of 4 in 0 s: ${why} (2 recipients)\n`;
    expect({ code, stderr }).toEqual({ code: 111, stderr: line(2) + line(3) + line(4) });
  });

  test("but not with -q, and not again with -v", async () => {
    expect((await run("-q")).stderr).toBe("");
    const { stderr } = await run("-v");
    expect(stderr).not.toContain("qmtp: attempt");
    expect(stderr.match(/\* attempt \d of 4, /g)?.length).toBe(3);
  });

  test("and without what a server wants to do to the terminal", async () => {
    const server = await startScriptedServer({ reply: "5:Zno\u001b[,", after: 20 });
    const args = ["send", "--retry", "1", ...AT_ONCE, "-s", server.endpoint, "-f", "a@x", "b@y"];
    const { stderr } = await qmtp([...args, "--timeout", "1"], { input: "hi\n" });
    expect(stderr).toMatch(/^qmtp: attempt 2 of 2 in 0 s: no\\x1b\[\n/);
  });
});

test("a signal ends the wait at once, with the results so far", async () => {
  const sink = await startSink(["--defer", "^later@"]);
  const options = ["--retry", "1", "--retry-delay", "3000", "--retry-max-time", "9000", "-v", "--json"];
  const args = ["send", ...options, "-s", sink.endpoint, "-f", "a@x", "b@y", "later@y"];
  const child = startQmtp(args, { stdio: "pipe" });
  child.stdin?.end("hi\n");
  const ended = finished(child);
  await printed(child.stderr, /attempt 2 of 2/);
  child.kill("SIGINT");
  const run = await ended;
  const report = JSON.parse(run.stdout);
  expect(run).toMatchObject(endedBy("SIGINT"));
  expect(report.deliveries.map(({ text }: { text: string }) => text.replace(/ok .*/, "ok"))).toEqual([
    "ok",
    "sorry, this recipient is deferred here (#4.3.0)",
  ]);
  expect(report.error).toEqual({ code: "interrupted", fault: "local", message: "interrupted by SIGINT" });
  expect(report.attempts.length).toBe(1);
});

test.each([
  [
    ["--retry", "x"],
    "option '--retry <n>' does not accept 'x': write a whole number, 0 or more and at most 1000",
  ],
  [
    ["--retry", "-1"],
    "option '--retry <n>' does not accept '-1': write a whole number, 0 or more and at most 1000",
  ],
  [["--retry-delay", "0"], "option '--retry-delay <s>' does not accept '0'"],
  [["--retry", "1", "-s", "ucspi:"], "--retry cannot reconnect with ucspi:; name another endpoint"],
])("%j is wrong usage", async (args, why) => {
  const { code, stdout, stderr } = await qmtp(["send", ...args, "-f", "a@x", "b@y"], { input: "hi\n" });
  expect({ code, stdout }).toEqual({ code: 100, stdout: "" });
  expect(stderr.startsWith(`qmtp: ${why}`), stderr).toBe(true);
  expect(stderr.indexOf("\n")).toBe(stderr.length - 1);
});
