import { Duplex } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Message, Package, PackageSource } from "../../src/protocol/package.ts";
import { runSession } from "../../src/session/session.ts";
import { connectionPair } from "./pair.ts";
import { answerAfter, LIMITS, line, pkg, sendOver, wireOf } from "./sending.ts";

/** Lets everything run that can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}

const MIB = 1024 * 1024;
/** What a package of `sized` takes besides its message, which is ten million bytes or more. */
const AROUND = "00000000:\n,13:s@example.org,6:3:a@x,,".length;

/** A package that takes this many bytes on the wire. */
function sized(bytes: number): Package {
  const chunk = Buffer.alloc(MIB, "x");
  const length = bytes - AROUND;
  const message: Message = {
    encoding: "unix",
    length,
    *chunks() {
      for (let at = 0; at < length; at += MIB) yield chunk.subarray(0, length - at);
    },
  };
  return { ...pkg("", "a@x"), message };
}

/** The bytes received by a server that answers nothing. */
async function receivedOf(packages: readonly Package[]): Promise<number> {
  const { client, server } = connectionPair();
  let received = 0;
  server.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  const done = sendOver(client, packages);
  let before = -1;
  while (before !== received) {
    before = received;
    await settle();
  }
  client.destroy();
  await done;
  return received;
}

test("at first, at most 1,024 packages are in flight", async () => {
  const wire = wireOf("hi", "a@x").length;
  const packages = (count: number) => Array.from({ length: count }, () => pkg("hi", "a@x"));
  expect(await receivedOf(packages(1_024))).toBe(1_024 * wire);
  expect(await receivedOf(packages(1_025))).toBe(1_024 * wire);
});

test("where the connection takes everything at once, responses are read long before the window is full", async () => {
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, taken) => taken() });
  let taken = 0;
  function* packages(): Generator<Package, void> {
    for (; taken < 1_024; taken++) yield pkg("x".repeat(4_096), "a@x");
  }
  const done = sendOver(connection, packages());
  await new Promise(setImmediate);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThan(512);
  connection.destroy();
  await done;
});

/**
 * The most packages in flight to a server that answers all of them.
 * @param roundTripMs how long packages and responses are under way
 * @param atOnce how many packages it answers together, as soon as it has answered those before
 */
async function mostInFlight(packages: number, roundTripMs: number, atOnce: number): Promise<number> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "hrtime"] });
  onTestFinished(() => void vi.useRealTimers());
  const wire = wireOf("hi", "a@x").length;
  const { client, server } = connectionPair();
  let [received, answered, most] = [0, 0, 0];
  server.on("data", (chunk: Buffer) => {
    received += chunk.length;
    most = Math.max(most, Math.floor(received / wire) - answered);
  });
  const done = sendOver(client, Array(packages).fill(pkg("hi", "a@x")));
  while (answered < packages) {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    vi.advanceTimersByTime(roundTripMs);
    const count = Math.min(atOnce, Math.floor(received / wire) - answered);
    answered += count;
    server.write("3:Kok,".repeat(count));
  }
  server.end();
  expect((await done).cause).toBeNull();
  return most;
}

test("over a long path, more are in flight, up to 4,096", async () => {
  expect(await mostInFlight(20_000, 200, 20_000)).toBe(4_096);
});

test("to a slow server, no more are in flight than at first: they would only wait", async () => {
  expect(await mostInFlight(1_500, 200, 1)).toBe(1_024);
});

test("at most 64 MiB are in flight", async () => {
  expect(await receivedOf([sized(24 * MIB), sized(40 * MIB)])).toBe(64 * MIB);
  expect(await receivedOf([sized(24 * MIB), sized(40 * MIB + 1)])).toBe(24 * MIB);
});

test("a package larger than that goes alone", async () => {
  expect(await receivedOf([sized(65 * MIB), pkg("hi", "a@x")])).toBe(65 * MIB);
});

test("each response makes room for a package", async () => {
  const { client, server } = connectionPair();
  const wire = wireOf("hi", "a@x").length;
  let received = 0;
  server.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  const done = sendOver(
    client,
    Array.from({ length: 1_030 }, () => pkg("hi", "a@x")),
  );
  await settle();
  server.write("3:Kok,");
  await settle();
  expect(received).toBe(1_025 * wire);
  server.write("3:Kok,".repeat(5));
  await settle();
  expect(received).toBe(1_030 * wire);
  server.write("3:Kok,".repeat(1_024));
  server.end();
  expect((await done).deliveries.length).toBe(1_030);
});

/** A source that yields packages when the test adds them. */
function laterSource() {
  const wanted: ((result: IteratorResult<Package, unknown>) => void)[] = [];
  const source: PackageSource<Package> = {
    next: () => new Promise((resolve) => wanted.push(resolve)),
  };
  const give = async (value: Package | undefined) => {
    wanted.shift()?.(value === undefined ? { done: true, value } : { done: false, value });
    await settle();
  };
  return { source, give };
}

function start(source: PackageSource<Package>, signal?: AbortSignal) {
  const { client, server } = connectionPair();
  let received = "";
  server.on("data", (chunk: Buffer) => {
    received += chunk;
  });
  const lines: string[] = [];
  const done = runSession(client, source, {
    limits: LIMITS,
    onSettled: (_, deliveries) => lines.push(...deliveries.map(line)),
    ...(signal && { signal }),
  });
  return { client, server, received: () => received, lines, done };
}

test("while the source has nothing, earlier packages are in flight and responses are taken", async () => {
  const { source, give } = laterSource();
  const { server, received, lines, done } = start(source);
  await settle();
  expect(received()).toBe("");
  await give(pkg("one", "a@x"));
  expect(received()).toBe(wireOf("one", "a@x"));
  server.write("3:Kok,");
  await settle();
  expect(lines).toEqual(["a@x success: ok"]);
  await give(pkg("two", "b@x"));
  expect(received()).toBe(wireOf("one", "a@x") + wireOf("two", "b@x"));
  server.write("3:Dno,");
  await settle();
  await give(undefined);
  server.end();
  expect((await done).cause).toBeNull();
  expect(lines).toEqual(["a@x success: ok", "b@x failure: no"]);
});

test("a session ends even if the source is still waiting", async () => {
  const stop = new AbortController();
  const { lines, done, received } = start(laterSource().source, stop.signal);
  await settle();
  stop.abort(new Error("SIGINT"));
  expect((await done).cause?.error.code).toBe("interrupted");
  expect([lines, received()]).toEqual([[], ""]);
});

test("an error from the source ends the session, and packages sent before are still answered", async () => {
  const { client, server } = connectionPair();
  server.on("end", () => server.write("3:Kok,"));
  server.resume();
  const packages = (function* () {
    yield pkg("one", "a@x");
    throw new Error("no more names");
  })();
  const { lines, cause } = await sendOver(client, packages);
  expect(lines).toEqual(["a@x success: ok"]);
  expect(cause?.error).toMatchObject({ code: "message-unreadable", message: "no more names" });
});

test("chunks that share a buffer are sent intact, however slowly the server reads", async () => {
  for (const size of [100, 16_383, 16_384, 50_000]) {
    const { client, server } = connectionPair({ highWaterMark: 1_000 });
    const buffer = Buffer.alloc(size);
    const text = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index).repeat(size)).join(
      "",
    );
    const message: Message = {
      encoding: "unix",
      length: text.length,
      async *chunks() {
        for (let index = 0; index < 20; index++) {
          buffer.fill(97 + index);
          yield buffer;
        }
      },
    };
    const wire = wireOf(text, "a@x");
    const received: Buffer[] = [];
    server.on("data", (chunk: Buffer) => received.push(chunk));
    answerAfter(server, wire, "3:Kok,");
    await sendOver(client, [{ ...pkg("", "a@x"), message }]);
    expect(Buffer.concat(received).equals(Buffer.from(wire))).toBe(true);
  }
});

test("after an interruption, no more chunks of a message are asked for", async () => {
  const { client, server } = connectionPair({ highWaterMark: 1_000 });
  const stop = new AbortController();
  let chunks = 0;
  const message: Message = {
    encoding: "unix",
    length: 1_000_000,
    async *chunks() {
      while (chunks < 10) {
        chunks++;
        yield Buffer.alloc(100_000);
      }
    },
  };
  const done = sendOver(client, [{ ...pkg("", "a@x"), message }], { signal: stop.signal });
  await settle();
  server.read();
  stop.abort(new Error("SIGINT"));
  expect((await done).lines).toEqual(["a@x deferral: interrupted by SIGINT"]);
  expect(chunks).toBe(1);
});

test("observers see the head, body and tail of each package", async () => {
  const { client, server } = connectionPair();
  const wire = wireOf("hello", "a@x");
  answerAfter(server, wire, "3:Kok,");
  const seen: string[] = [];
  await sendOver(client, [pkg("hello", "a@x")], {
    observer: {
      sent: (part, bytes) => seen.push(`${part} ${bytes}`),
      received: (bytes) => seen.push(`received ${bytes}`),
    },
  });
  expect(seen).toEqual(["head 6:\n", "body hello", "tail ,13:s@example.org,6:3:a@x,,", "received 3:Kok,"]);
});

test("at most two blocks of small chunks or recipients wait for a server that does not read", async () => {
  const BLOCK = 131_072;
  let chunks = 0;
  const message: Message = {
    encoding: "unix",
    length: 10_000_000,
    async *chunks() {
      for (const chunk = Buffer.alloc(1_000); chunks < 10_000; chunks++) yield chunk;
    },
  };
  const many = Array.from({ length: 100_000 }, (_, index) => `user${index}@example.org`);
  for (const waiting of [{ ...pkg("", "a@x"), message }, pkg("hi", ...many)]) {
    const { client } = connectionPair({ highWaterMark: 1_000 });
    const done = sendOver(client, [waiting]);
    await settle();
    expect(client.writableLength).toBeLessThanOrEqual(BLOCK);
    client.destroy();
    await done;
  }
  expect(chunks).toBeLessThan((2 * BLOCK) / 1_000 + 2);
});
