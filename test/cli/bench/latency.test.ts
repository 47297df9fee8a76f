import { describe, expect, test } from "vitest";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { benchJson } from "./running.ts";
import { startSlowServer, startStallingServer } from "./timed-server.ts";

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const within5Percent = (value: number, of: number) => {
  expect(value).toBeGreaterThan(of * 0.95);
  expect(value).toBeLessThan(of * 1.05);
};

// A busy machine may disturb a run.
describe.each([
  ["in a closed loop", []],
  ["in an open loop", ["--rate", "30"]],
])("%s", (_name, args) => {
  test("a server that answers after 300 ms shows 300 ms, within 5 %", { retry: 2 }, async () => {
    const server = await startSlowServer(300);
    const warmUp = ["--warm-up", "0.3"];
    const results = await benchJson(server.endpoint, "-c", "10", "-m", "30", ...warmUp, ...args);
    expect(results.counts).toEqual({ success: 30, deferral: 0, failure: 0 });
    const waits = server.waits.slice(-30).toSorted((a, b) => a - b);
    within5Percent(results.latencyMs.mean, mean(waits));
    within5Percent(results.latencyMs.p50, waits[14] as number);
  });
});

test("the p99.9 of an open loop shows that a server stalled for a second once", async () => {
  const server = await startStallingServer(1_000, 200);
  const results = await benchJson(server.endpoint, "--rate", "400", "-m", "1200");
  expect(results).toMatchObject({ loop: "open", messages: 1_200, scheduledRate: 400, unsent: 0 });
  expect(results.latencyFromDueMs["p99.9"]).toBeGreaterThan(900);
  // Those that were due during the second were sent after it, quickly one after another.
  expect(results.latencyMs["p99.9"]).toBeLessThan(500);
  expect(results.latencyMs.max).toBeGreaterThan(990);
  expect(results.late).toBeGreaterThan(200);
});

test("the p99.9 of a closed loop does not", async () => {
  const server = await startStallingServer(1_000, 200);
  const results = await benchJson(server.endpoint, "-m", "2500");
  expect(results).toMatchObject({ loop: "closed", messages: 2_500, late: null, unsent: null });
  expect(results.latencyFromDueMs).toBeNull();
  expect(results.latencyMs["p99.9"]).toBeLessThan(500);
  expect(results.latencyMs.max).toBeGreaterThan(990);
});

test("packages of an open loop that were due when the time was up, and never sent, are reported", async () => {
  const server = await startStallingServer(1_000, 10);
  const { messages, unsent } = await benchJson(server.endpoint, "--rate", "100", "--duration", "0.5");
  // The tenth was sent, and the others waited for its response until the time was up.
  expect([messages, unsent]).toEqual([10, 40]);
});

test("a duration of an open loop is as many messages as are due in it", async () => {
  const server = await startReceivingServer();
  const args = ["--rate", "200", "--duration", "0.5", "-c", "100"];
  const { messages, unsent } = await benchJson(server.endpoint, ...args);
  expect([messages, unsent]).toEqual([100, 0]);
});

test("no more than the window is in flight in a session, and a window of 1 waits for each response", async () => {
  for (const window of [1, 7]) {
    let [inFlight, most] = [0, 0];
    const server = await startReceivingServer("3:Kok,", (send) => {
      most = Math.max(most, ++inFlight);
      setTimeout(() => {
        inFlight--;
        send();
      }, 5);
    });
    const { messages } = await benchJson(server.endpoint, "-c", "1", "-w", `${window}`, "-m", "50");
    expect([messages, most]).toEqual([50, window]);
  }
});

test("the warm-up is left out: of counts, texts, latencies and the rate", async () => {
  const begin = performance.now();
  const server = await startReceivingServer("3:Kok,", (send) => {
    // Slow until the warm-up is nearly over.
    if (performance.now() - begin < 400) setTimeout(send, 100);
    else send();
  });
  const results = await benchJson(server.endpoint, "--warm-up", "2", "-m", "50");
  expect(results).toMatchObject({ messages: 50, counts: { success: 50 }, texts: [{ count: 50 }] });
  expect(results.latencyMs.p50).toBeLessThan(90);
  expect(server.packages.length).toBeGreaterThan(60);
  expect(results.elapsedMs).toBeLessThan(1_500);
});

test("the duration ends the run", async () => {
  const server = await startSlowServer(10);
  const { messages, elapsedMs } = await benchJson(server.endpoint, "--duration", "0.5");
  expect(messages).toBe(server.packages.length);
  expect(messages).toBeGreaterThan(3);
  expect(elapsedMs).toBeGreaterThan(300);
  expect(elapsedMs).toBeLessThan(900);
});
