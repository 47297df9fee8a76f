import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Package } from "../../src/protocol/package.ts";
import { connectionPair } from "./pair.ts";
import { LIMITS, pkg, sendOver, wireOf } from "./sending.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "hrtime"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets everything run but timers. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

const DRAIN_MS = 10_000;
/** More than a connection in memory takes before its other side reads. */
const LARGE = "x".repeat(500_000);

/** A session that drains after a signal, with a source that says how many packages were taken. */
function start(packages: readonly Package[], server: Duplex, client: Duplex) {
  const stop = new AbortController();
  let taken = 0;
  const source = (function* () {
    for (const one of packages) {
      taken++;
      yield one;
    }
  })();
  const limits = { ...LIMITS, drainMs: DRAIN_MS };
  const done = sendOver(client, source, { limits, signal: stop.signal });
  const interrupt = async () => {
    stop.abort(new Error("SIGTERM"));
    await settle();
  };
  let received = "";
  const read = async () => {
    server.on("data", (chunk: Buffer) => {
      received += chunk;
    });
    await settle();
  };
  return { done, interrupt, read, received: () => received, taken: () => taken };
}

describe("after a signal, a session that drains", () => {
  test("takes no more packages, finishes the one being written, and waits for responses", async () => {
    const { client, server } = connectionPair({ highWaterMark: 1_000 });
    const packages = [pkg("one", "a@x"), pkg(LARGE, "b@x"), pkg("three", "c@x"), pkg("four", "d@x")];
    const session = start(packages, server, client);
    await settle();
    await session.interrupt();
    await session.read();
    expect(session.received()).toBe(wireOf("one", "a@x") + wireOf(LARGE, "b@x"));
    vi.advanceTimersByTime(DRAIN_MS - 1);
    server.write("3:Kok,3:Kok,");
    await settle();
    server.end();
    const { lines, cause } = await session.done;
    expect(lines).toEqual(["a@x success: ok", "b@x success: ok"]);
    expect([session.taken(), cause?.error.message]).toEqual([2, "interrupted by SIGTERM"]);
  });

  test("gives up after its time: what may have been accepted is marked, and nothing is completed", async () => {
    const { client, server } = connectionPair({ highWaterMark: 1_000 });
    const session = start([pkg("one", "a@x"), pkg(LARGE, "b@x"), pkg("three", "c@x")], server, client);
    await settle();
    await session.interrupt();
    vi.advanceTimersByTime(DRAIN_MS);
    const { lines, cause } = await session.done;
    expect(lines).toEqual([
      "a@x deferral: interrupted by SIGTERM; no response came (the message may have been delivered) (twice?)",
      "b@x deferral: interrupted by SIGTERM",
    ]);
    expect([cause?.error.code, vi.getTimerCount()]).toEqual(["interrupted", 0]);
    await session.read();
    expect(wireOf("one", "a@x") + wireOf(LARGE, "b@x")).not.toBe(session.received());
  });

  test("ends well if everything was sent and is answered", async () => {
    const { client, server } = connectionPair();
    const session = start([pkg("one", "a@x"), pkg("two", "b@x")], server, client);
    await session.read();
    await session.interrupt();
    server.write("3:Kok,3:Dno,");
    await settle();
    server.end();
    const { lines, cause } = await session.done;
    expect([lines, cause]).toEqual([["a@x success: ok", "b@x failure: no"], null]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("says so if the server is silent for longer than any server may be", async () => {
    const { client, server } = connectionPair();
    const session = start([pkg("one", "a@x")], server, client);
    await session.read();
    vi.advanceTimersByTime(LIMITS.idleMs - 1);
    await session.interrupt();
    vi.advanceTimersByTime(1);
    const { lines } = await session.done;
    expect(lines[0]).toMatch(/^a@x deferral: interrupted by SIGTERM; no response came/);
  });

  test("ends at once if nothing is in flight", async () => {
    const { client, server } = connectionPair();
    const stop = new AbortController();
    const never = { next: () => new Promise<IteratorResult<Package>>(() => {}) };
    const limits = { ...LIMITS, drainMs: DRAIN_MS };
    const done = sendOver(
      client,
      { [Symbol.iterator]: () => never as never },
      { limits, signal: stop.signal },
    );
    server.resume();
    await settle();
    stop.abort(new Error("SIGTERM"));
    const { cause } = await done;
    expect(cause?.error.code).toBe("interrupted");
  });
});
