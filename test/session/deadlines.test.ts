import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectionPair } from "./pair.ts";
import { answerAfter, pkg, sendOver, startConversation, wireOf } from "./sending.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything run but timers. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

test("after the first response to a package, the rest have 30 s, then are deferred", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { misbehaviour: "one-response" });
  const done = sendOver(client, [pkg("hi", "a@x", "b@x", "c@x")]);
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
  expect(lines[1]).toContain("no response for this recipient: this server seems to answer once per package");
  expect(violations.map(({ code }) => code)).toEqual(["missing-responses"]);
  expect(cause?.error.code).toBe("missing-responses");
});

test("if there were more responses than one, the server does not answer once per package", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("hi", "a@x", "b@x", "c@x"), "3:Kok,3:Kok,");
  const done = sendOver(client, [pkg("hi", "a@x", "b@x", "c@x")]);
  await settle();
  vi.advanceTimersByTime(30_000);
  expect((await done).lines[2]).toContain("no response for this recipient, only for others before it");
});

test("those 30 s apply to one package: once it is answered, they no longer run", async () => {
  const { client, server } = connectionPair();
  server.on("end", () => server.end());
  const first = wireOf("hi", "a@x", "b@x");
  answerAfter(server, first, "3:Kok,");
  const done = sendOver(client, [pkg("hi", "a@x", "b@x"), pkg("ho", "c@x")]);
  await settle();
  server.write("3:Kok,");
  await settle();
  vi.advanceTimersByTime(60_000);
  await settle();
  expect(client.destroyed).toBe(false);
  server.write("3:Kok,");
  expect((await done).deliveries.map(({ status }) => status)).toEqual(["success", "success", "success"]);
});

test("a shorter limit on progress has the same effect", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { misbehaviour: "one-response" });
  const done = sendOver(client, [pkg("hi", "a@x", "b@x")], {
    limits: { idleMs: 1_000, sessionMs: 3_600_000 },
  });
  await settle();
  vi.advanceTimersByTime(1_000);
  expect((await done).violations.map(({ code }) => code)).toEqual(["missing-responses"]);
});

test("a slow server may pause for less than that between responses, any number of times", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("hi", "a@x", "b@x", "c@x"), "3:Kok,");
  const done = sendOver(client, [pkg("hi", "a@x", "b@x", "c@x")]);
  for (const response of ["3:Kok,", "3:Kok,"]) {
    await settle();
    vi.advanceTimersByTime(29_000);
    server.write(response);
  }
  expect((await done).deliveries.map(({ status }) => status)).toEqual(["success", "success", "success"]);
});

test("a session ends without progress in either direction", async () => {
  const { client, server } = connectionPair();
  startConversation(server, { misbehaviour: "stall" });
  const done = sendOver(client, [pkg("hi", "a@x")], { limits: { idleMs: 600_000, sessionMs: 3_600_000 } });
  await settle();
  vi.advanceTimersByTime(599_999);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const { lines, cause } = await done;
  expect(lines).toEqual([
    "a@x deferral: idle for 600 s; no response came (the message may have been delivered) (twice?)",
  ]);
  expect(cause?.error.code).toBe("no-progress");
});

test("a write that is not taken ends the session sooner if writes have their own limit", async () => {
  const { client } = connectionPair({ highWaterMark: 1_000 });
  // The server does not read.
  const limits = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 86_400_000 };
  const done = sendOver(client, [pkg("x".repeat(5_000), "a@x")], { limits });
  await settle();
  vi.advanceTimersByTime(72_999);
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const { lines } = await done;
  expect(lines[0]).toMatch(/^a@x deferral: idle for 73 s/);
});

test("waiting for responses does not count as a blocked write", async () => {
  const { client, server } = connectionPair();
  const limits = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 86_400_000 };
  server.resume();
  const done = sendOver(client, [pkg("hi", "a@x")], { limits });
  await settle();
  vi.advanceTimersByTime(3_599_000);
  server.write("3:Kok,");
  expect((await done).lines).toEqual(["a@x success: ok"]);
});

test("progress in one direction is enough", async () => {
  const { client, server } = connectionPair({ highWaterMark: 1_000 });
  // The server does not read, so writing blocks, and resumes whenever it does.
  const done = sendOver(client, [pkg("x".repeat(3_000), "a@x"), pkg("x".repeat(3_000), "b@x")], {
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
  expect((await done).cause?.error.code).toBe("no-progress");
});

test("a session ends after an hour, however busy it is", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("hi", "a@x"), "1");
  const done = sendOver(client, [pkg("hi", "a@x")], { limits: { idleMs: 600_000, sessionMs: 3_600_000 } });
  for (let minute = 0; minute < 59; minute++) {
    await settle();
    vi.advanceTimersByTime(60_000);
    // One byte of progress a minute: the start of a long response.
    if (minute === 0) server.write("00:K");
    else server.write("x");
  }
  await settle();
  expect(client.destroyed).toBe(false);
  vi.advanceTimersByTime(60_000);
  const { cause, deliveries } = await done;
  expect(cause?.error.code).toBe("session-too-long");
  expect(deliveries.map(({ status }) => status)).toEqual(["deferral"]);
});

test("a finished session leaves no timer or listener", async () => {
  const { client, server } = connectionPair();
  startConversation(server);
  const stop = new AbortController();
  await sendOver(client, [pkg("one", "a@x")], { signal: stop.signal });
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  stop.abort(new Error("late"));
  await settle();
  expect(server.closed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
