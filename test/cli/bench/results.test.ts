import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { benchJson, TO } from "./running.ts";

const bench = (...args: string[]) => qmtp(["bench", "--to", TO, ...args]);

const LATENCIES = Object.fromEntries(
  ["mean", "p50", "p90", "p99", "p99.9", "max"].map((name) => [name, expect.any(Number)]),
);

const FIELDS = {
  schema: 1,
  type: "bench",
  exitCode: 0,
  loop: "closed",
  messages: 50,
  bytes: 4_096,
  recipients: 1,
  sessions: 2,
  window: 3,
  scheduledRate: null,
  elapsedMs: expect.any(Number),
  rate: expect.any(Number),
  bytesPerSecond: expect.any(Number),
  counts: { success: 50, deferral: 0, failure: 0 },
  unanswered: 0,
  texts: [{ status: "success", text: "ok", count: 50 }],
  otherTexts: 0,
  latencyMs: LATENCIES,
  latencyFromDueMs: null,
  connectMs: LATENCIES,
  histogram: expect.any(Array),
  rates: { everyMs: 100, perSecond: expect.any(Array) },
  clientBusy: expect.any(Number),
  late: null,
  unsent: null,
  connections: 2,
  failedConnections: 0,
  brokenConnections: 0,
  lostSessions: 0,
  connectionErrors: [],
  violations: [],
  missed: [],
  error: null,
};

describe("--json prints one object and nothing else", () => {
  test("of a closed loop", async () => {
    const { endpoint } = await startReceivingServer();
    const server = {
      endpoint: `qmtp://${endpoint}`,
      address: "127.0.0.1",
      port: Number(endpoint.split(":")[1]),
      tls: null,
    };
    const results = await benchJson(endpoint, "-m", "50", "-c", "2", "-w", "3");
    expect(results).toEqual({ ...FIELDS, server });
    expect(results.rate).toBeCloseTo((50 / results.elapsedMs) * 1_000, -2);
    expect(results.bytesPerSecond / results.rate).toBeCloseTo(4_096, -2);
    expect(results.clientBusy).toBeGreaterThan(0);
    expect(results.clientBusy).toBeLessThanOrEqual(1);
    const counts = results.histogram.map(({ count }: { count: number }) => count);
    expect(counts.reduce((sum: number, count: number) => sum + count)).toBe(50);
    const bounds = results.histogram.map(({ upToMs }: { upToMs: number }) => upToMs);
    expect(bounds).toEqual(bounds.toSorted((a: number, b: number) => a - b));
    expect(bounds.at(-1)).toBeGreaterThanOrEqual(results.latencyMs.p50);
  });

  test("of an open loop", async () => {
    const { endpoint } = await startReceivingServer();
    const results = await benchJson(endpoint, "-m", "50", "-c", "2", "-w", "3", "--rate", "1000");
    expect(results).toEqual({
      ...FIELDS,
      server: expect.anything(),
      loop: "open",
      scheduledRate: 1_000,
      latencyFromDueMs: LATENCIES,
      late: expect.any(Number),
      unsent: 0,
    });
    expect(results.latencyFromDueMs.mean).toBeGreaterThan(results.latencyMs.mean);
    // The last of the 50 was due after 49 ms.
    expect(results.elapsedMs).toBeGreaterThanOrEqual(49);
  });
});

describe("the table", () => {
  const NUMBERS = "( +\\d+\\.\\d{3}){6}";

  test("has the loop, the counts, the latencies and the texts, and in a pipe nothing is drawn", async () => {
    const { endpoint } = await startReceivingServer("4:Dbad,");
    const { code, stdout } = await bench("-s", endpoint, "-m", "50");
    expect(code).toBe(0);
    const lines = [
      `qmtp://${endpoint}: closed loop, 1 session, window 1, 4096 bytes, 1 recipient`,
      "",
      "messages      50 answered in \\d+\\.\\d\\d s, \\d+\\.\\d/s, \\S+ \\S+/s",
      "recipients    0 success, 0 deferral, 50 failure",
      "connections   1 made, 0 failed, 0 broken",
      "client busy   \\d+ % of the time",
      "",
      "milliseconds +mean +p50 +p90 +p99 +p99.9 +max",
      `latency${NUMBERS}`,
      `connect${NUMBERS}`,
      "",
      "responses",
      "          50  failure: bad",
      "",
    ];
    expect(stdout).toMatch(new RegExp(`^${lines.join("\n")}$`));
  });

  test("of an open loop has both latencies, and what was late", async () => {
    const { endpoint } = await startReceivingServer();
    const { stdout } = await bench("-s", endpoint, "-m", "50", "--rate", "500");
    expect(stdout).toContain(`${endpoint}: open loop at 500/s, 1 session,`);
    expect(stdout).toMatch(/^schedule {6}\d+ sent more than 10 ms late, 0 not sent at all$/m);
    expect(stdout).toMatch(new RegExp(`^from due${NUMBERS}$`, "m"));
    expect(stdout).toMatch(new RegExp(`^from sent${NUMBERS}$`, "m"));
  });
});

describe("--fail-if", () => {
  test.each([
    ["p99>0.001ms", /^p99>0\.001ms: p99 is \d+\.\d{3} ms$/m],
    ["p99.9 >= 1us", /p99\.9 >= 1us: p99\.9 is/],
    ["max<3600s", /max<3600s: max is/],
    ["rate<1000000", /rate<1000000: rate is \d+/],
    ["failure>49", /failure>49: failure is 50/],
    ["success<=0", /success<=0: success is 0/],
  ])("exits 1 if %s, and says so", async (condition, line) => {
    const { endpoint } = await startReceivingServer("2:Dx,");
    const run = await bench("-s", endpoint, "-m", "50", "--fail-if", "p50>1000s", "--fail-if", condition);
    expect(run.code).toBe(1);
    expect(run.stderr.replaceAll("qmtp: ", "")).toMatch(line);
  });

  test("exits 0 if none is true", async () => {
    const { endpoint } = await startReceivingServer();
    const conditions = [
      "p99>30s",
      "rate<1",
      "deferral>0",
      "unanswered>0",
      "failedConnections>0",
      "clientBusy>1",
    ];
    const { code } = await bench(
      "-s",
      endpoint,
      "-m",
      "50",
      ...conditions.flatMap((one) => ["--fail-if", one]),
    );
    expect(code).toBe(0);
  });

  test("is named in the JSON, with the value", async () => {
    const { endpoint } = await startReceivingServer();
    const { exitCode, missed } = await benchJson(endpoint, "-m", "50", "--fail-if", "success>=50");
    expect([exitCode, missed]).toEqual([1, [{ condition: "success>=50", value: 50 }]]);
  });
});

describe("other hosts need consent", () => {
  const harm = (what: string, endpoint: string) =>
    `qmtp: ${what} to ${endpoint}, which is not on this host, could harm it: give --force if its operator agrees\n`;

  test.each([
    [["-c", "2"], "mx.example.org", "2 sessions", "qmtp://mx.example.org:209"],
    [["-m", "1001"], "192.0.2.1", "1001 messages", "qmtp://192.0.2.1:209"],
    [["--duration", "1"], "[2001:db8::1]", "any number of messages", "qmtp://[2001:db8::1]:209"],
    [["--warm-up", "1"], "mx:example.org", "any number of messages", "mx:example.org"],
    [["--rate", "600", "--duration", "2"], "127.example.org", "1200 messages", "qmtp://127.example.org:209"],
    [["-c", "3"], "qmtps://localhost.example.org", "3 sessions", "qmtps://localhost.example.org:6209"],
  ])("%j to %s", async (args, server, what, endpoint) => {
    const run = await bench("-s", server, ...args);
    expect(run).toEqual({ code: 100, signal: null, stdout: "", stderr: harm(what, endpoint) });
  });

  test("a client whose connection leads elsewhere", async () => {
    const options = { env: { TCPREMOTEIP: "192.0.2.1" } };
    const run = await qmtp(["bench", "--to", TO, "-s", "ucspi:", "-m", "2000"], options);
    expect(run).toMatchObject({ code: 100, stderr: harm("2000 messages", "ucspi:") });
  });

  // There is no such host: the next error is that of the name lookup, or of the address.
  test.each([
    ["--force", ["-c", "2", "--force"]],
    ["one session and 1,000 messages", []],
    ["as many in the time", ["--rate", "10", "--duration", "50", "--warm-up", "50"]],
  ])("given with %s", async (_name, args) => {
    const run = await bench("-s", "none.invalid", ...args);
    expect(run.code).toBe(111);
    expect(run.stderr).toContain("cannot connect to qmtp://none.invalid:209: ");
  });
});

describe("wrong usage is an error, and nothing is sent", () => {
  const S = ["-s", "127.0.0.1:1"];
  const B = ["--to", TO];
  test.each([
    [[...B], "no server: name the one to measure with --server"],
    [[...S], "no recipient: name one that may get the messages with --to"],
    [[...S, ...S, ...B], "name one server: measure others in runs of their own"],
    [[...S, "--to", "a b"], "--to 'a b' has a space; write one address per argument\n"],
    [
      [...S, ...B, "-r", "2", "-w", "2"],
      "--window is for messages with one recipient: with more, each waits for the responses to the last",
    ],
    [[...S, ...B, "-l", "1", "--file", "x"], "--length and --file cannot be combined"],
    [[...S, ...B, "--file", "/nonexistent"], "cannot read /nonexistent: no such file or directory"],
    [
      [...S, ...B, "--fail-if", "p99"],
      "option '--fail-if <condition>' does not accept 'p99': write a figure",
    ],
    [[...S, ...B, "--fail-if", "p98>1ms"], "'p98' is none of mean, p50,"],
    [[...S, ...B, "--fail-if", "rate<1ms"], "'rate' has no unit"],
    [[...S, ...B, "-c", "0"], "option '-c, --sessions <n>' does not accept '0'"],
    [[...S, ...B, "--rate", "0"], "option '--rate <n>' does not accept '0'"],
    [[...S, ...B, "x"], "unexpected argument 'x'"],
    [["-s", "ucspi:", ...B, "-c", "2"], "ucspi: is one connection: leave out --sessions and --reconnect"],
    [["-s", "ucspi:", ...B, "--reconnect", "2"], "ucspi: is one connection"],
  ])("%j", async (args, line) => {
    const { code, stdout, stderr } = await qmtp(["bench", ...args]);
    expect([code, stdout]).toEqual([line.startsWith("cannot read") ? 111 : 100, ""]);
    expect(stderr).toContain(`qmtp: `);
    expect(stderr).toContain(line);
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("the environment is not asked for a server", async () => {
    const server = await startReceivingServer();
    const run = await qmtp(["bench", ...B], { env: { QMTP_SERVER: server.endpoint, QMTP_FROM: "a@x" } });
    expect(run).toMatchObject({ code: 100, stderr: expect.stringContaining("no server") });
    await qmtp(["bench", ...B, "-s", server.endpoint, "-m", "1"], { env: { QMTP_FROM: "a@x" } });
    expect(server.packages.map(({ sender }) => sender)).toEqual([""]);
  });
});
