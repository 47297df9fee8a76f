import { describe, expect, test } from "vitest";
import type { Message } from "../../src/protocol/package.ts";
import { connectionPair } from "./pair.ts";
import { answerAfter, pkg, sendOver, startConversation, textMessage, wireOf } from "./sending.ts";

test("the bytes on the wire are those of qmtp.txt, one package after another", async () => {
  const { client, server } = connectionPair();
  const wire = wireOf("hello\n", "a@x") + wireOf("", "b@x");
  const received: Buffer[] = [];
  server.on("data", (chunk: Buffer) => received.push(chunk));
  answerAfter(server, wire, "3:Kok,3:Dno,");
  const { lines, cause } = await sendOver(client, [pkg("hello\n", "a@x"), pkg("", "b@x")]);
  expect(Buffer.concat(received).toString()).toBe(wire);
  expect(lines).toEqual(["a@x success: ok", "b@x failure: no"]);
  expect(cause).toBeNull();
});

test("packages are written without waiting for responses", async () => {
  const { client, server } = connectionPair();
  const packages = Array.from({ length: 500 }, (_, index) => pkg(`message ${index}\n`, `u${index}@x`));
  const wire = packages.map((_, index) => wireOf(`message ${index}\n`, `u${index}@x`)).join("");
  // No response before the last byte of the last package.
  answerAfter(server, wire, "3:Kok,".repeat(500));
  const { lines } = await sendOver(client, packages);
  expect(lines.length).toBe(500);
  expect(new Set(lines.map((text) => text.split(" ")[1]))).toEqual(new Set(["success:"]));
});

test("a server may stop reading until its responses are read, and send them byte by byte", async () => {
  const { client, server } = connectionPair({ highWaterMark: 64 });
  startConversation(server, { misbehaviour: "drip" });
  const packages = Array.from({ length: 300 }, (_, index) => pkg("x".repeat(200), `u${index}@x`));
  const { lines, cause } = await sendOver(client, packages);
  expect(lines.map((text) => text.split(":")[0])).toEqual(packages.map((_, index) => `u${index}@x success`));
  expect(cause).toBeNull();
});

test("a server that never answers is sent a bounded number of packages and bytes", async () => {
  const stop = new AbortController();
  for (const [size, most] of [
    [10, 1_024],
    [8 * 1024 * 1024, 8],
  ] as const) {
    const { client, server } = connectionPair();
    server.resume();
    let taken = 0;
    const message = textMessage("x".repeat(size));
    const packages = (function* () {
      for (; taken < 10_000; taken++) yield { ...pkg("", "a@x"), message };
    })();
    const done = sendOver(client, packages, { signal: stop.signal });
    let before = -1;
    while (before !== taken) {
      before = taken;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    // One more has been taken from the source, and waits.
    expect(taken).toBeGreaterThanOrEqual(most - 1);
    expect(taken).toBeLessThanOrEqual(most);
    client.destroy();
    await done;
  }
});

test("nothing follows a package with several recipients until the last is answered", async () => {
  const { client, server } = connectionPair();
  const first = wireOf("one", "a@x", "b@x");
  let received = "";
  server.on("data", (chunk: Buffer) => {
    received += chunk;
    if (received === first) {
      server.write("3:Kok,");
      // Time enough for a second package, if one were coming.
      setImmediate(() => {
        expect(received).toBe(first);
        server.write("3:Dno,");
      });
    }
    if (received === first + wireOf("two", "c@x")) server.write("3:Kok,");
  });
  const { lines } = await sendOver(client, [pkg("one", "a@x", "b@x"), pkg("two", "c@x")]);
  expect(lines).toEqual(["a@x success: ok", "b@x failure: no", "c@x success: ok"]);
});

describe("a message that cannot be read", () => {
  function failing(after: string): Message {
    return {
      encoding: "unix",
      length: 100,
      async *chunks() {
        yield Buffer.from(after);
        throw new Error("the file changed");
      },
    };
  }

  test("is never completed, and packages sent before it are still answered", async () => {
    const { client, server } = connectionPair();
    const received: Buffer[] = [];
    server.on("data", (chunk: Buffer) => received.push(chunk));
    // The server answers the first package only after the client has closed its side.
    server.on("end", () => server.write("3:Kok,"));
    const packages = [
      pkg("one", "a@x"),
      { ...pkg("", "b@x"), message: failing("half") },
      pkg("three", "c@x"),
    ];
    const { lines, cause } = await sendOver(client, packages);
    expect(Buffer.concat(received).toString()).toBe(`${wireOf("one", "a@x")}101:\nhalf`);
    // The third was never asked for.
    expect([...lines].sort()).toEqual(["a@x success: ok", "b@x deferral: the file changed"]);
    expect(cause?.error).toMatchObject({ code: "message-unreadable", fault: "local" });
  });
});

test("an interruption keeps known results and defers the rest at once", async () => {
  const { client, server } = connectionPair();
  const stop = new AbortController();
  answerAfter(server, wireOf("one", "a@x"), "3:Kok,");
  const settled: string[] = [];
  const { lines, cause } = await sendOver(
    client,
    [pkg("one", "a@x"), pkg("two", "b@x", "c@x"), pkg("three", "d@x")],
    {
      signal: stop.signal,
      observer: {
        sent: () => {},
        received: (bytes) => {
          settled.push(bytes.toString());
          setImmediate(() => stop.abort(new Error("SIGINT")));
        },
      },
    },
  );
  expect(settled).toEqual(["3:Kok,"]);
  expect(lines).toEqual([
    "a@x success: ok",
    "b@x deferral: interrupted by SIGINT; no response came (the message may have been delivered) (twice?)",
    "c@x deferral: interrupted by SIGINT; no response came (the message may have been delivered) (twice?)",
    // Taken from the source, waiting for the responses before it.
    "d@x deferral: interrupted by SIGINT",
  ]);
  expect(cause?.error.code).toBe("interrupted");
});

test("a session interrupted before it starts sends nothing", async () => {
  const { client, server } = connectionPair();
  server.on("data", () => expect.unreachable("something was sent"));
  const { lines, cause } = await sendOver(client, [pkg("one", "a@x")], {
    signal: AbortSignal.abort(new Error("SIGTERM")),
  });
  expect(lines).toEqual([]);
  expect(cause?.error).toMatchObject({ code: "interrupted", message: "interrupted by SIGTERM" });
});
