import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { endedBy, finished, startQmtp, stopAll } from "../../support/processes.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { onTerminal } from "../../support/terminal.ts";
import { TO } from "./running.ts";

afterEach(stopAll);

describe("on a terminal", () => {
  test("there is a live line, a histogram, and the rate over time", async () => {
    const { endpoint } = await startSink();
    const { code, stdout } = await onTerminal(
      `"$QMTP" bench -s ${endpoint} --to ${TO} --rate 200 --duration 2`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+ messages, \d+\/s, \d+ in flight/);
    expect(stdout).toContain("latency from due, up to\r\n");
    expect(stdout).toMatch(/^ +\d[\d.]* ms {2}█+[▏▎▍▌▋▊▉]? +\d+\r$/m);
    expect(stdout).toMatch(/^messages\/s {4}[▁▂▃▄▅▆▇█]{10,} {2}at most \d+\r$/m);
  });

  test("of 40 columns, the drawings fit", async () => {
    const { endpoint } = await startSink();
    const command = `"$QMTP" bench -s ${endpoint} --to ${TO} --rate 100 --duration 2`;
    const { stdout } = await onTerminal(command, {}, "", 40);
    const drawn = stdout.split("\r\n").filter((line) => /^ +\d[\d.]* ms {2}|^messages\/s /.test(line));
    expect(drawn.length).toBeGreaterThan(1);
    for (const line of drawn) expect(line.length, line).toBeLessThanOrEqual(40);
  });

  test("all of it is left out with --no-color, and with NO_COLOR", async () => {
    const { endpoint } = await startSink();
    const command = `"$QMTP" bench -s ${endpoint} --to ${TO} --rate 100 --duration 1`;
    for (const run of [
      await onTerminal(`${command} --no-color`),
      await onTerminal(command, { NO_COLOR: "1" }),
    ]) {
      expect(run.stdout).toContain(" answered in ");
      expect(run.stdout).not.toMatch(/[\u001b█▁▂▃▄▅▆▇]/);
    }
  });
});

test.each(["SIGINT", "SIGTERM"] as const)("%s ends the run with what is known", async (signal) => {
  let enough = () => {};
  const started = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const server = await startReceivingServer("3:Kok,", (send, number) => {
    setTimeout(send, 20);
    if (number === 20) enough();
  });
  const args = ["bench", "--json", "-s", server.endpoint, "--to", TO, "-c", "2", "--duration", "600"];
  const child = startQmtp(args);
  const end = finished(child);
  await started;
  child.kill(signal);
  const { code, signal: died, stdout, stderr } = await end;
  expect({ code, signal: died }).toEqual(endedBy(signal));
  expect(stderr).toBe(`qmtp: the run ended early: interrupted by ${signal}\n`);
  const results = JSON.parse(stdout);
  // Everything that was sent was answered.
  expect(results).toMatchObject({ exitCode: 111, unanswered: 0, error: { code: "interrupted" } });
  expect(results.messages).toBe(server.packages.length);
  expect(results.messages).toBeGreaterThanOrEqual(20);
});
