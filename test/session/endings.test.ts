import { getEventListeners } from "node:events";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/protocol/package.ts";
import { connectionPair } from "./pair.ts";
import { answerAfter, pkg, sendOver, wireOf } from "./sending.ts";

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

const TWO = [pkg("one", "a@x"), pkg("two", "b@x")];

/** How long the server is heard out, at least, in milliseconds. */
const LEAST = 100;

/** A server that has answered both packages, each after some milliseconds, and keeps the connection open. */
async function answered(roundTripMs = 0) {
  const { client, server } = connectionPair();
  let ended = false;
  server.on("data", () => {});
  server.once("end", () => {
    ended = true;
  });
  const received: string[] = [];
  const done = sendOver(client, TWO, {
    observer: { sent: () => {}, received: (bytes) => received.push(`${bytes}`) },
  });
  await settle();
  vi.advanceTimersByTime(roundTripMs);
  server.write("3:Kok,3:Dno,");
  await settle();
  return { client, server, done, received, ended: () => ended };
}

describe("when all of several packages are answered", () => {
  test.each([
    ["at least a moment", 0, LEAST],
    ["a round trip", 300, 300],
    ["at most a second", 5_000, 1_000],
  ])("our side is closed, and the server has time to send more: %s", async (_, roundTripMs, ms) => {
    const { client, done, ended } = await answered(roundTripMs);
    expect([ended(), client.destroyed]).toEqual([true, false]);
    vi.advanceTimersByTime(ms - 1);
    await settle();
    expect(client.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    const { cause, violations, lines } = await done;
    expect([cause, violations]).toEqual([null, []]);
    expect(lines).toEqual(["a@x success: ok", "b@x failure: no"]);
  });

  test("that time restarts with each byte", async () => {
    const { client, server, done } = await answered();
    for (const byte of "1:") {
      vi.advanceTimersByTime(LEAST - 1);
      server.write(byte);
      await settle();
    }
    expect(client.destroyed).toBe(false);
    vi.advanceTimersByTime(LEAST - 1);
    await settle();
    expect(client.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await done).toMatchObject({ cause: null, violations: [] });
  });

  test("surplus bytes are a violation, with their offset, and change no delivery", async () => {
    const { server, done } = await answered();
    server.write("3:Kok,3:Kok,");
    await settle();
    vi.advanceTimersByTime(1_000);
    const { cause, violations, lines } = await done;
    expect(violations).toMatchObject([{ code: "surplus-response", offset: 12 }]);
    expect([cause, lines]).toEqual([null, ["a@x success: ok", "b@x failure: no"]]);
  });

  test.each<[string, (server: Duplex) => void]>([
    ["closes", (server) => server.end()],
    ["breaks the connection", (server) => server.destroy()],
  ])("a server that %s then is not waited for, and it is no trouble", async (_, end) => {
    const { server, done } = await answered();
    end(server);
    expect(await done).toMatchObject({ cause: null, violations: [] });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a connection error is ignored", async () => {
    const { client, done } = await answered();
    client.destroy(new Error("reset"));
    expect(await done).toMatchObject({ cause: null, violations: [] });
  });
});

test("the session ends as soon as the only package is answered", async () => {
  const { client, server } = connectionPair();
  answerAfter(server, wireOf("one", "a@x", "b@x"), "3:Kok,3:Kok,");
  const { cause } = await sendOver(client, [pkg("one", "a@x", "b@x")]);
  expect([cause, vi.getTimerCount()]).toEqual([null, 0]);
});

test("a session without packages sends nothing and ends", async () => {
  const { client, server } = connectionPair();
  let received = "";
  server.on("data", (chunk: Buffer) => {
    received += chunk;
  });
  expect(await sendOver(client, [])).toMatchObject({ cause: null, lines: [] });
  await settle();
  expect([received, client.destroyed]).toEqual(["", true]);
});

test("times are counted from the start and from the last byte taken", async () => {
  const { client, server } = connectionPair();
  const message: Message = {
    encoding: "unix",
    length: 2,
    async *chunks() {
      vi.advanceTimersByTime(30);
      yield Buffer.from("hi");
    },
  };
  server.on("data", () => {});
  const done = sendOver(client, [{ ...pkg("", "a@x"), message }]);
  await settle();
  vi.advanceTimersByTime(12);
  server.write("3:Kok,");
  expect(await done).toMatchObject({ sendMs: 30, responseMs: 12 });
});

test("waiting after the last response is not counted", async () => {
  const { server, done } = await answered();
  vi.advanceTimersByTime(500);
  server.end();
  expect(await done).toMatchObject({ sendMs: 0, responseMs: 0 });
});

test("without a response, the time for it runs to the end", async () => {
  const { client, server } = connectionPair();
  server.on("data", () => {});
  const done = sendOver(client, [pkg("one", "a@x")]);
  await settle();
  vi.advanceTimersByTime(40);
  server.end();
  expect(await done).toMatchObject({ sendMs: 0, responseMs: 40 });
});

test("progress is reported as the total of bytes taken so far", async () => {
  const { client, server } = connectionPair();
  const progress: number[] = [];
  const large = pkg("x".repeat(200_000), "a@x");
  const wire = wireOf("x".repeat(200_000), "a@x");
  server.on("data", () => {});
  const done = sendOver(client, [large], { onProgress: (bytes) => progress.push(bytes) });
  await settle();
  server.write("3:Kok,");
  await done;
  expect(progress.length).toBeGreaterThan(1);
  expect(progress).toEqual([...progress].sort((one, other) => one - other));
  expect(progress.at(-1)).toBe(wire.length);
});

describe("however a session ends, it leaves no timer or listener", () => {
  const endings: Record<string, (server: Duplex, client: Duplex, stop: AbortController) => void> = {
    "the server closes": (server) => server.end(),
    "the connection breaks": (_, client) => client.destroy(new Error("reset")),
    "the server breaks the protocol": (server) => server.write("x"),
    "a signal": (_server, _client, stop) => stop.abort(new Error("SIGINT")),
    "no progress": () => vi.advanceTimersByTime(600_000),
  };

  test.each(Object.entries(endings))("%s, after one response of two", async (_, end) => {
    const { client, server } = connectionPair();
    const stop = new AbortController();
    answerAfter(server, wireOf("one", "a@x", "b@x"), "3:Kok,");
    const done = sendOver(client, [pkg("one", "a@x", "b@x"), pkg("two", "c@x")], { signal: stop.signal });
    await settle();
    end(server, client, stop);
    const { deliveries } = await done;
    expect(deliveries.map(({ status, possibleDuplicate }) => `${status} ${possibleDuplicate}`)).toEqual([
      "success false",
      "deferral true",
      "deferral false",
    ]);
    await settle();
    expect([vi.getTimerCount(), getEventListeners(stop.signal, "abort")]).toEqual([0, []]);
    expect(client.destroyed).toBe(true);
  });
});

test("bytes after the end change nothing", async () => {
  const { client, server } = connectionPair();
  const stop = new AbortController();
  server.on("data", () => {});
  const received: string[] = [];
  const progress: number[] = [];
  const done = sendOver(client, [pkg("one", "a@x")], {
    signal: stop.signal,
    observer: { sent: () => {}, received: (bytes) => received.push(`${bytes}`) },
    onProgress: (bytes) => progress.push(bytes),
  });
  await settle();
  const before = progress.length;
  stop.abort(new Error("SIGINT"));
  client.emit("data", Buffer.from("3:Kok,"));
  client.emit("error", new Error("reset"));
  client.emit("close");
  const { lines, cause } = await done;
  expect(lines.length).toBe(1);
  expect(cause?.error.code).toBe("interrupted");
  expect([received, progress.length]).toEqual([[], before]);
  expect(vi.getTimerCount()).toBe(0);
});

test("nothing is read after a violation, though the server goes on sending", async () => {
  const { server, done, received } = await answered();
  server.write("x");
  await settle();
  server.write("3:Kok,");
  await settle();
  vi.advanceTimersByTime(1_000);
  const { violations } = await done;
  expect(violations).toMatchObject([{ code: "bad-length", offset: 12 }]);
  expect(received).toEqual(["3:Kok,3:Dno,", "x", "3:Kok,"]);
});

describe("a message that cannot be read", () => {
  const failing: Message = {
    encoding: "unix",
    length: 10,
    async *chunks() {
      yield Buffer.from("half");
      throw new Error("gone");
    },
  };

  test("as the only one, ends the session with its reason and tears down the connection", async () => {
    const { client, server } = connectionPair();
    let received = "";
    server.on("data", (chunk: Buffer) => {
      received += chunk;
    });
    const { lines, cause } = await sendOver(client, [{ ...pkg("", "a@x"), message: failing }]);
    expect(lines).toEqual(["a@x deferral: gone"]);
    expect(cause?.error.code).toBe("message-unreadable");
    expect([client.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
    await settle();
    expect("11:\nhalf".startsWith(received)).toBe(true);
  });

  test("is the reason reported even if the server closes before answering the others", async () => {
    const { client, server } = connectionPair();
    server.on("data", () => {});
    server.on("end", () => server.end());
    const packages = [pkg("one", "a@x"), { ...pkg("", "b@x"), message: failing }];
    const { lines, cause } = await sendOver(client, packages);
    expect([...lines].sort()).toEqual([
      "a@x deferral: connection closed before a response came (the message may have been delivered) (twice?)",
      "b@x deferral: gone",
    ]);
    expect(cause?.error.code).toBe("message-unreadable");
  });

  test("is ignored once the session is over", async () => {
    const { client } = connectionPair();
    const stop = new AbortController();
    const message: Message = {
      ...failing,
      async *chunks() {
        stop.abort(new Error("SIGINT"));
        yield* failing.chunks();
      },
    };
    const { lines, cause } = await sendOver(client, [{ ...pkg("", "a@x"), message }], {
      signal: stop.signal,
    });
    expect(lines).toEqual(["a@x deferral: interrupted by SIGINT"]);
    expect(cause?.error.code).toBe("interrupted");
  });
});
