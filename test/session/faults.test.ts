import { describe, expect, test } from "vitest";
import { QmtpError } from "../../src/errors.ts";
import type { Package } from "../../src/protocol/package.ts";
import { connectionPair } from "./pair.ts";
import { pkg, sendOver, startConversation, wireOf } from "./sending.ts";

/**
 * Every byte at which an exchange can end. Expectations are computed here from the bytes that passed: a
 * success if all of its K response did, a possible duplicate if all of its package did.
 */
const PACKAGES = [
  { text: "first\n", recipients: ["a@x"] },
  { text: "second\n", recipients: ["b@x"] },
  { text: "third\n", recipients: ["c@x", "d@x"] },
];
const WIRES = PACKAGES.map(({ text, recipients }) => wireOf(text, ...recipients));
const RESPONSES = ["6:Kok a@,", "6:Dno b@,", "6:Kok c@,", "9:Zlater d@,"];
const STATUSES = ["success", "failure", "success", "deferral"];
const OWNER = [0, 1, 2, 2];

/** A server of three lines: it answers each package as soon as its last byte arrives. */
function answerEach(server: import("node:stream").Duplex): void {
  const ends = WIRES.map((_, index) => WIRES.slice(0, index + 1).join("").length);
  let received = 0;
  server.on("data", (chunk: Buffer) => {
    const before = received;
    received += chunk.length;
    for (const [index, end] of ends.entries()) {
      if (before >= end || received < end) continue;
      server.write(RESPONSES.filter((_, response) => OWNER[response] === index).join(""));
    }
  });
}

function run(options: { cutUp?: number; cutDown?: number; cutWith: "end" | "reset" }) {
  const { client, server } = connectionPair(options);
  answerEach(server);
  return sendOver(
    client,
    PACKAGES.map(({ text, recipients }) => pkg(text, ...recipients)),
  );
}

const UP = WIRES.join("").length;
const DOWN = RESPONSES.join("").length;

describe.each(["end", "reset"] as const)("a connection cut by %s", (cutWith) => {
  test("after any byte from the client gives one truthful delivery for each recipient", async () => {
    for (let cutUp = 1; cutUp < UP; cutUp++) {
      const { deliveries } = await run({ cutUp, cutWith });
      expect(deliveries.map(({ recipient }) => recipient.toString()).sort()).toEqual([
        "a@x",
        "b@x",
        "c@x",
        "d@x",
      ]);
      for (const [index, { status, origin, possibleDuplicate }] of deliveries.entries()) {
        const owner = OWNER[index] as number;
        const whole = WIRES.slice(0, owner + 1).join("").length <= cutUp;
        if (origin === "server") expect([whole, status]).toEqual([true, STATUSES[index]]);
        else {
          expect(status).toBe("deferral");
          // All three go out in one write: if it is torn, only the last package is known to be incomplete.
          expect(possibleDuplicate).toBe(owner === 2 ? whole : true);
        }
      }
    }
  });

  test("after any byte from the server keeps what was settled and defers what was owed", async () => {
    for (let cutDown = 1; cutDown < DOWN; cutDown++) {
      const { deliveries, cause } = await run({ cutDown, cutWith });
      expect(deliveries.length).toBe(4);
      for (const [index, { status, origin, possibleDuplicate }] of deliveries.entries()) {
        const came = RESPONSES.slice(0, index + 1).join("").length <= cutDown;
        expect(origin).toBe(came ? "server" : "client");
        expect(status).toBe(came ? STATUSES[index] : "deferral");
        if (came) expect(possibleDuplicate).toBe(false);
      }
      expect(cause?.error.code).toBe(cutWith === "end" ? "connection-closed" : "connection-failed");
    }
  });
});

test("an uncut exchange is answered in full", async () => {
  const { lines, cause } = await run({ cutWith: "end" });
  expect(lines).toEqual([
    "a@x success: ok a@",
    "b@x failure: no b@",
    "c@x success: ok c@",
    "d@x deferral: later d@",
  ]);
  expect(cause).toBeNull();
});

describe("against each fault of the sink", () => {
  /** More than is in flight before the server has seen the beginning. */
  function large(recipient: string): Package {
    const chunk = Buffer.alloc(100_000, "x");
    const message = {
      encoding: "unix",
      length: 3_000_000,
      chunks: () => Array<Buffer>(30).fill(chunk),
    } as const;
    return { ...pkg("", recipient), message };
  }

  test.each([
    [
      "close-before-response",
      "connection closed before a response came (the message may have been delivered) (twice?)",
    ],
    [
      "bad-length",
      "the server broke the protocol (leading zero in the length of a response); no response came (the message may have been delivered) (twice?)",
    ],
    [
      "bad-status",
      "the server broke the protocol (a response that begins with none of K, Z and D); no response came (the message may have been delivered) (twice?)",
    ],
  ] as const)("%s: everything is deferred, as a possible duplicate", async (fault, text) => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: fault });
    const { lines } = await sendOver(client, [pkg("hi", "a@x", "b@x")]);
    expect(lines).toEqual([`a@x deferral: ${text}`, `b@x deferral: ${text}`]);
  });

  test("close-mid-response: complete responses count", async () => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: "close-mid-response" });
    const { deliveries, lines } = await sendOver(client, [pkg("hi", "a@x", "b@x")]);
    expect(deliveries.map(({ status }) => status)).toEqual(["success", "deferral"]);
    expect(lines[1]).toBe(
      "b@x deferral: connection closed in the middle of a response (the message may have been delivered) (twice?)",
    );
  });

  test("extra-response: the success stays, and the violation is recorded", async () => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: "extra-response" });
    const { deliveries, violations, cause } = await sendOver(client, [pkg("hi", "a@x")]);
    expect(deliveries.map(({ status }) => status)).toEqual(["success"]);
    expect(violations.map(({ code }) => code)).toEqual(["surplus-response"]);
    expect(cause).toBeNull();
  });

  test("early-response: no recipient has a success", async () => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: "early-response" });
    const { deliveries, violations } = await sendOver(client, [large("a@x")]);
    expect(deliveries.map(({ status, possibleDuplicate }) => [status, possibleDuplicate])).toEqual([
      ["deferral", false],
    ]);
    expect(violations).toMatchObject([{ code: "early-response", offset: 0 }]);
    expect(violations[0]?.message).toContain("ok, before it came");
  });

  test("close-mid-package: nothing can have been delivered", async () => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: "close-mid-package" });
    const { lines } = await sendOver(client, [large("a@x")]);
    expect(lines).toEqual(["a@x deferral: connection closed before the message was sent"]);
  });

  test("drip: every recipient has a success", async () => {
    const { client, server } = connectionPair();
    startConversation(server, { misbehaviour: "drip" });
    const { deliveries, violations } = await sendOver(client, [pkg("hi", "a@x", "b@x")]);
    expect(deliveries.map(({ status }) => status)).toEqual(["success", "success"]);
    expect(violations).toEqual([]);
  });
});

describe("a server that refuses the connection once it is made", () => {
  const refusal = new QmtpError("connection-refused", "no certificate, no service");

  test("has read nothing: no recipient may have the message, though it was sent", async () => {
    const { client, server } = connectionPair();
    server.on("data", () => client.destroy(refusal));
    const { lines, cause } = await sendOver(client, [pkg("hi", "a@x", "b@x")]);
    expect(lines).toEqual([
      "a@x deferral: no certificate, no service",
      "b@x deferral: no certificate, no service",
    ]);
    expect(cause?.error).toMatchObject({ code: "connection-refused", fault: "remote" });
  });

  test("has read something if it has sent something", async () => {
    const { client, server } = connectionPair();
    server.once("data", () => server.write("3:Kok,"));
    client.on("data", () => setImmediate(() => client.destroy(refusal)));
    const { deliveries } = await sendOver(client, [pkg("hi", "a@x", "b@x")]);
    expect(deliveries.map(({ status, possibleDuplicate }) => [status, possibleDuplicate])).toEqual([
      ["success", false],
      ["deferral", true],
    ]);
  });
});

test("of packages gathered while the connection was busy, none the server has in full is called unsent", async () => {
  const texts = ["x".repeat(300), "a", "b", "c", "y".repeat(20_000), "d"];
  const wires = texts.map((text) => wireOf(text, "a@x"));
  const ends = wires.map((_, index) => wires.slice(0, index + 1).join("").length);
  for (let cutUp = 300; cutUp < 800; cutUp++) {
    const { client, server } = connectionPair({ cutUp, cutWith: "reset", highWaterMark: 340 });
    server.resume();
    const { deliveries } = await sendOver(
      client,
      texts.map((text) => pkg(text, "a@x")),
    );
    expect(deliveries.length).toBe(texts.length);
    for (const [index, { status, possibleDuplicate }] of deliveries.entries()) {
      expect(status).toBe("deferral");
      if ((ends[index] as number) <= cutUp)
        expect(possibleDuplicate, `package ${index}, cut at ${cutUp}`).toBe(true);
    }
  }
});
