import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answerAfter, converse, pkg, startConversation, wireOf } from "./conversing.ts";
import { connectionPair } from "./pair.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything that is not a timer happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test("after the first response to a package, the others have 30 s; then --split is named", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { fault: "one-response" });
  const done = converse(client, [pkg("hi", "a@x", "b@x", "c@x")]);
  await settle();
  vi.advanceTimersByTime(29_999);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const { deliveries, violations, lines, cause } = await done;
  expect(deliveries.map(({ status, possibleDuplicate }) => [status, possibleDuplicate])).toEqual([
    ["success", false],
    ["deferral", true],
    ["deferral", true],
  ]);
  expect(lines[1]).toContain("--split");
  expect(violations.map(({ code }) => code)).toEqual(["missing-responses"]);
  expect(cause?.code).toBe("missing-responses");
});

test("those 30 s are for the responses to one package: an answered one leaves none behind", async () => {
  const { client, server } = connectionPair();
  server.on("end", () => server.end());
  const first = wireOf("hi", "a@x", "b@x");
  answerAfter(server, first, "3:Kok,");
  const done = converse(client, [pkg("hi", "a@x", "b@x"), pkg("ho", "c@x")]);
  await settle();
  server.write("3:Kok,");
  await settle();
  vi.advanceTimersByTime(60_000);
  await settle();
  expect(client.destroyed).toBe(false);
  server.write("3:Kok,");
  expect((await done).deliveries.map(({ status }) => status)).toEqual(["success", "success", "success"]);
});

test("a limit on progress shorter than that comes to the same", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { fault: "one-response" });
  const done = converse(client, [pkg("hi", "a@x", "b@x")], {
    limits: { idleMs: 1_000, sessionMs: 3_600_000 },
  });
  await settle();
  vi.advanceTimersByTime(1_000);
  expect((await done).violations.map(({ code }) => code)).toEqual(["missing-responses"]);
});

test("a slow server may pause between responses for less than that, as often as it likes", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("hi", "a@x", "b@x", "c@x"), "3:Kok,");
  const done = converse(client, [pkg("hi", "a@x", "b@x", "c@x")]);
  for (const response of ["3:Kok,", "3:Kok,"]) {
    await settle();
    vi.advanceTimersByTime(29_000);
    server.write(response);
  }
  expect((await done).deliveries.map(({ status }) => status)).toEqual(["success", "success", "success"]);
});

test("without progress in either direction, the session ends", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { fault: "stall" });
  const done = converse(client, [pkg("hi", "a@x")], { limits: { idleMs: 600_000, sessionMs: 3_600_000 } });
  await settle();
  vi.advanceTimersByTime(599_999);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const { lines, cause } = await done;
  expect(lines).toEqual([
    "a@x deferral: nothing could be sent or received for 600 s; no response came (the message may have been delivered) (twice?)",
  ]);
  expect(cause?.code).toBe("no-progress");
});

test("a write that is not taken ends the session sooner, where that has a limit of its own", async () => {
  const { client } = connectionPair({ highWaterMark: 1_000 });
  // Nobody reads at the server's side.
  const limits = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 86_400_000 };
  const done = converse(client, [pkg("x".repeat(5_000), "a@x")], { limits });
  await settle();
  vi.advanceTimersByTime(72_999);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const { lines } = await done;
  expect(lines[0]).toMatch(/^a@x deferral: nothing could be sent or received for 73 s/);
});

test("waiting for responses is not a write that waits", async () => {
  const { client, server } = connectionPair();
  const limits = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 86_400_000 };
  server.resume();
  const done = converse(client, [pkg("hi", "a@x")], { limits });
  await settle();
  vi.advanceTimersByTime(3_599_000);
  server.write("3:Kok,");
  expect((await done).lines).toEqual(["a@x success: ok"]);
});

test("progress in one direction is enough", async () => {
  const { client, server } = connectionPair({ highWaterMark: 1_000 });
  // Nobody reads at the server's side: the writing comes to a stand, and goes on whenever somebody does.
  const done = converse(client, [pkg("x".repeat(3_000), "a@x"), pkg("x".repeat(3_000), "b@x")], {
    limits: { idleMs: 10_000, sessionMs: 3_600_000 },
  });
  await settle();
  vi.advanceTimersByTime(9_000);
  server.read();
  await settle();
  vi.advanceTimersByTime(9_000);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1_001);
  expect((await done).cause?.code).toBe("no-progress");
});

test("a session ends after its hour, however busy it is", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("hi", "a@x"), "1");
  const done = converse(client, [pkg("hi", "a@x")], { limits: { idleMs: 600_000, sessionMs: 3_600_000 } });
  for (let minute = 0; minute < 59; minute++) {
    await settle();
    vi.advanceTimersByTime(60_000);
    // The one byte of progress a minute: the beginning of a long response.
    if (minute === 0) server.write("00:K");
    else server.write("x");
  }
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(60_000);
  const { cause, deliveries } = await done;
  expect(cause?.code).toBe("session-too-long");
  expect(deliveries.map(({ status }) => status)).toEqual(["deferral"]);
});

test("a session that is over leaves no timer and no listener behind", async () => {
  const { client, server } = connectionPair();
  startConversation(server);
  const stop = new AbortController();
  await converse(client, [pkg("one", "a@x")], { signal: stop.signal });
  stop.abort(new Error("late"));
  await settle();
  expect(server.closed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
