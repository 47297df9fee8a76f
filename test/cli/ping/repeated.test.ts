import { afterEach, describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import {
  finished,
  printed,
  qmtp as qmtpProcess,
  shell,
  startQmtp,
  stopAll,
} from "../../support/processes.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";

afterEach(stopAll);

const OFTEN = ["--wait", "0.02", "-i", "0.03"];
const linesOf = ({ stdout }: { stdout: string }) => stdout.trimEnd().split("\n");

test("-c pings as often, and prints a summary", async () => {
  const server = await startScriptedServer();
  const run = await qmtp(["ping", ...OFTEN, "-c", "3", "-s", server.endpoint]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const lines = linesOf(run);
  const times = lines.slice(0, 3).map((line) => {
    const [, ms] = /^qmtp:\S+: connected to 127\.0\.0\.1 port \d+ in (\d+\.\d) ms$/.exec(line) ?? [];
    return Number(ms);
  });
  const [, ...summary] =
    /^3 sent, 3 answered, min\/avg\/max (\d+\.\d)\/(\d+\.\d)\/(\d+\.\d) ms$/.exec(lines[3] ?? "") ?? [];
  const [min, avg, max] = summary.map(Number);
  expect([min, max]).toEqual([Math.min(...times), Math.max(...times)]);
  expect(Math.abs(Number(avg) - times.reduce((sum, ms) => sum + ms, 0) / 3)).toBeLessThan(0.11);
  expect(lines).toHaveLength(4);
  expect(server.connections).toBe(3);
});

test("--json prints an object for each, and one for the summary", async () => {
  const server = await startScriptedServer();
  const run = await qmtp(["ping", ...OFTEN, "-c", "2", "--json", "-s", server.endpoint]);
  const [first, second, summary] = linesOf(run).map((line) => JSON.parse(line));
  expect([first.number, second.number]).toEqual([1, 2]);
  const { min, avg, max } = summary.connectMs;
  expect(summary).toEqual({
    schema: 1,
    type: "summary",
    exitCode: 0,
    sent: 2,
    answered: 2,
    connectMs: { min, avg, max },
  });
  expect(min <= avg && avg <= max).toBe(true);
});

test("one that is not answered makes the exit code 111; the others go on", async () => {
  const sink = await startSink(["--fault", "close-on-connect", "--fault-rate", "50", "--seed", "1"]);
  const run = await qmtp(["ping", "--wait", "0.1", "-i", "0.01", "-c", "8", "-s", sink.endpoint]);
  const lines = linesOf(run);
  const failed = lines.filter((line) => line.endsWith(": the server closed the connection at once")).length;
  expect(failed).toBeGreaterThan(0);
  expect(failed).toBeLessThan(8);
  expect(lines.at(-1)).toMatch(new RegExp(`^8 sent, ${8 - failed} answered, min/avg/max `));
  expect(run.code).toBe(111);
});

test("without any answer there are no times; with -q, the summary is there if something failed", async () => {
  const port = await unusedPort();
  const why = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)\n`;
  const args = ["ping", ...OFTEN, "-q", "-c", "2", "-s", `127.0.0.1:${port}`];
  const stdout = `${why}${why}2 sent, 0 answered\n`;
  expect(await qmtp(args)).toEqual({ code: 111, signal: null, stdout, stderr: "" });
  const server = await startScriptedServer();
  const quiet = await qmtp(["ping", ...OFTEN, "-q", "-c", "2", "-s", server.endpoint]);
  expect(quiet).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

describe.each(["SIGINT", "SIGTERM"] as const)("%s", (signal) => {
  test("ends it with the summary, and with the exit code for what was answered", async () => {
    const server = await startScriptedServer();
    const child = startQmtp(["ping", ...OFTEN, "-s", server.endpoint]);
    const done = finished(child);
    await printed(child.stdout, /(.*connected.*\n){2}/);
    child.kill(signal);
    const run = await done;
    const lines = linesOf(run);
    expect(lines.at(-1)).toMatch(
      new RegExp(`^${lines.length - 1} sent, ${lines.length - 1} answered, min/avg/max `),
    );
    expect(run).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  test("while connecting does not count that one", async () => {
    const port = await portThatNeverAnswers();
    const child = startQmtp(["ping", ...OFTEN, "-v", "-s", `127.0.0.1:${port}`]);
    const done = finished(child);
    await printed(child.stderr, /connecting to/);
    child.kill(signal);
    const run = await done;
    expect(run.stdout).toBe("0 sent, 0 answered\n");
    expect([run.code, run.signal]).toEqual(signal === "SIGINT" ? [null, signal] : [111, null]);
  });

  test("ends a single one that connects, with a line", async () => {
    const port = await portThatNeverAnswers();
    const child = startQmtp(["ping", "-v", "-s", `127.0.0.1:${port}`]);
    const done = finished(child);
    await printed(child.stderr, /connecting to/);
    child.kill(signal);
    expect((await done).stdout).toBe(`interrupted by ${signal}\n`);
  });
});

test("a reader that goes away ends it", async () => {
  const server = await startScriptedServer();
  const command = `"$QMTP" ping --wait 0.02 -i 0.03 -s ${server.endpoint} | head -n 1`;
  expect(await shell(command)).toMatchObject({ code: 0, stderr: "" });
});

describe("a server started for it", () => {
  test("runs for each ping, and gets no byte", async () => {
    const run = await qmtpProcess(["ping", "--wait", "0.2", "-c", "2", "-i", "0.1", "-s", "exec:wc -c >&2"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^(exec:wc -c >&2: connected in \d+\.\d ms\n){2}2 sent, 2 answered, /);
    expect(run.stderr).toBe("qmtp: server: 0\n".repeat(2));
  });

  test("that fails is not answered", async () => {
    const run = await qmtpProcess(["ping", "-s", "exec:exit 3"]);
    const stdout = "exec:exit 3: the server ended with exit code 3\n";
    expect(run).toEqual({ code: 111, signal: null, stdout, stderr: "" });
  });
});

test("a connection of a UCSPI client is pinged once", async () => {
  const server = await startScriptedServer();
  const command = `exec 6<>/dev/tcp/127.0.0.1/${server.port} 7>&6; "$0" ping --wait 0.1 -s ucspi:`;
  const run = await shell(`bash -c '${command}' "$QMTP"`, { TCPREMOTEIP: "127.0.0.1", TCPREMOTEPORT: "209" });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout).toMatch(/^ucspi:: connected to 127\.0\.0\.1 port 209 in \d+\.\d ms\n$/);
});
