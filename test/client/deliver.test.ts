import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deferAllRecipients, deliver, sendPackages } from "../../src/client/deliver.ts";
import { deliverWithRetries } from "../../src/client/retry.ts";
import type { Route } from "../../src/client/route.ts";
import { QmtpError } from "../../src/errors.ts";
import type { Message } from "../../src/protocol/package.ts";
import type { Server } from "../../src/transport/connector.ts";
import { connectionPair } from "../session/pair.ts";
import { LIMITS, line, pkg, startConversation, wireOf } from "../session/sending.ts";

const ENDPOINTS = [
  { kind: "tcp", host: "one.example", port: 209 },
  { kind: "tcp", host: "two.example", port: 1_209 },
] as const;
const SERVER: Server = { endpoint: "qmtp://one.example:209", address: "192.0.2.1", port: 209, tls: null };

type Open = Route["connector"]["open"];

/** Connects to a server that replies as given once it has received the wire. */
function answering(wire: string, answer: string, then: "close" | "stay" = "stay"): Open {
  return async () => {
    const { client, server } = connectionPair();
    let received = "";
    server.on("data", (chunk: Buffer) => {
      received += chunk;
      if (received !== wire) return;
      // Only after the client knows that its bytes were taken.
      setImmediate(() => {
        server.write(answer);
        if (then === "close") server.end();
      });
    });
    return { connection: client, server: SERVER, connectMs: 7 };
  };
}

const failing =
  (error: Error): Open =>
  () =>
    Promise.reject(error);

function options(open: Open, signal = new AbortController().signal) {
  return { endpoints: ENDPOINTS, connector: { open }, limits: LIMITS, signal };
}

const PACKAGES = [pkg("one", "a@x", "b@x"), pkg("two", "c@x")];

describe("sending packages over a session", () => {
  test("reports the server, the times, and no problem if there was none", async () => {
    const connected: Server[] = [];
    const settled: string[] = [];
    const progress: number[] = [];
    const wire = wireOf("one", "a@x");
    const report = await sendPackages([pkg("one", "a@x")].values(), options(answering(wire, "3:Kok,")), {
      onConnected: (server) => connected.push(server),
      onSettled: (_, deliveries) => settled.push(...deliveries.map(line)),
      onProgress: (bytes) => progress.push(bytes),
    });
    expect(report).toEqual({
      server: SERVER,
      timing: { connectMs: 7, sendMs: expect.any(Number), responseMs: expect.any(Number) },
      violations: [],
      cause: null,
    });
    expect([connected, settled]).toEqual([[SERVER], ["a@x success: ok"]]);
    expect(progress).toEqual([wire.length]);
  });

  test("tries the given endpoints, with the given signal", async () => {
    const asked: unknown[] = [];
    const { signal } = new AbortController();
    const open: Open = (...args) => {
      asked.push(...args);
      return Promise.reject(new QmtpError("connect-failed", "no"));
    };
    await sendPackages([].values(), options(open, signal), { onSettled: () => {} });
    expect(asked).toEqual([ENDPOINTS, signal, undefined]);
  });

  test("that cannot start names the last endpoint and the problem, and takes no package", async () => {
    const error = new QmtpError("connect-failed", "no way there");
    const packages = PACKAGES.values();
    const report = await sendPackages(packages, options(failing(error)), {
      onSettled: () => expect.unreachable("nothing was sent"),
    });
    expect(report).toEqual({
      server: { endpoint: "qmtp://two.example:1209", address: null, port: null, tls: null },
      timing: { connectMs: null, sendMs: null, responseMs: null },
      violations: [],
      cause: { error, texts: { sent: "no way there; no response came", unsent: "no way there" } },
    });
    expect(packages.next().value).toBe(PACKAGES[0]);
  });

  test("that is interrupted before it starts says so, whatever the connector says", async () => {
    const signal = AbortSignal.abort(new Error("SIGTERM"));
    for (const error of [new Error("SIGTERM"), new QmtpError("connect-failed", "no")]) {
      const { cause } = await sendPackages([].values(), options(failing(error), signal), {
        onSettled: () => {},
      });
      expect(cause?.error).toMatchObject({ code: "interrupted", message: "interrupted by SIGTERM" });
    }
  });

  test("does not hide our own bugs", async () => {
    const sending = sendPackages([].values(), options(failing(new TypeError("bug"))), {
      onSettled: () => {},
    });
    await expect(sending).rejects.toThrow(TypeError);
  });

  test("that ends early reports why, and what that means for packages not taken", async () => {
    const route = options(answering(wireOf("one", "a@x"), "x"));
    const report = await sendPackages([pkg("one", "a@x")].values(), route, { onSettled: () => {} });
    expect(report.violations).toMatchObject([{ code: "bad-length", offset: 0 }]);
    expect(report.cause).toMatchObject({
      error: {
        code: "protocol-violation",
        fault: "remote",
        message: expect.stringContaining("the server broke the protocol"),
      },
      texts: { unsent: expect.stringContaining("the server broke the protocol") },
    });
  });
});

describe("a delivery for each recipient, in order", () => {
  test("when all are answered", async () => {
    const two = [pkg("one", "a@x"), pkg("two", "b@x")];
    const wire = wireOf("one", "a@x") + wireOf("two", "b@x");
    const { deliveries } = await deliver(two, options(answering(wire, "3:Kok,3:Dno,", "close")));
    expect(deliveries.map(line)).toEqual(["a@x success: ok", "b@x failure: no"]);
  });

  test("including packages the session never took", async () => {
    const open = answering(wireOf("one", "a@x", "b@x"), "3:Kok,", "close");
    const packages = [...PACKAGES, pkg("three", "d@x", "e@x")];
    const { deliveries } = await deliver(packages, options(open));
    const unsent = "deferral: connection closed before the message was sent";
    expect(deliveries.map(line)).toEqual([
      "a@x success: ok",
      "b@x deferral: connection closed before a response came (the message may have been delivered) (twice?)",
      `c@x ${unsent}`,
      `d@x ${unsent}`,
      `e@x ${unsent}`,
    ]);
  });

  test("without a connection", async () => {
    const error = new QmtpError("connect-failed", "no way there");
    const { deliveries } = await deliver(PACKAGES, options(failing(error)));
    expect(deliveries.map(line)).toEqual(
      ["a@x", "b@x", "c@x"].map((name) => `${name} deferral: no way there`),
    );
  });

  test("when there is nothing to send", () => {
    const error = new QmtpError("unreadable-input", "no message");
    const recipients = PACKAGES.flatMap((one) => one.recipients);
    const { deliveries, cause, server } = deferAllRecipients(recipients, ENDPOINTS, error);
    expect(deliveries.map(line)).toEqual(["a@x", "b@x", "c@x"].map((name) => `${name} deferral: no message`));
    expect(cause).toMatchObject({ error, texts: { unsent: "no message" } });
    expect(deliveries.map((delivery) => delivery.error)).toEqual([error, error, error]);
    expect(server.endpoint).toBe("qmtp://two.example:1209");
  });
});

describe("attempts, by the system's clock", () => {
  const POLICY = { retries: 3, delayMs: 1_000, maxMs: 3_600_000, unanswered: false };
  const RECIPIENTS = [Buffer.from("a@x")];
  const packagesFor = (recipients: readonly Buffer[]) => [{ ...pkg("hi"), recipients }];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "hrtime"] });
    vi.spyOn(Math, "random").mockReturnValue(0);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  /** Counts attempts; none connects. */
  function refused() {
    let attempts = 0;
    const open: Open = () => {
      attempts++;
      return Promise.reject(new QmtpError("connect-failed", "no"));
    };
    return { open, attempts: () => attempts };
  }

  test("are made after their delays, not sooner", async () => {
    const { open, attempts } = refused();
    const { signal } = new AbortController();
    const done = deliverWithRetries(RECIPIENTS, packagesFor, options(open, signal), POLICY);
    for (const [index, delay] of [1_000, 2_000, 4_000].entries()) {
      await settle();
      vi.advanceTimersByTime(delay - 1);
      await settle();
      expect(attempts()).toBe(index + 1);
      vi.advanceTimersByTime(1);
    }
    expect((await done).attempts.length).toBe(4);
    expect([vi.getTimerCount(), getEventListeners(signal, "abort")]).toEqual([0, []]);
  });

  test("end when the next would start too late by that clock", async () => {
    const { open, attempts } = refused();
    const policy = { ...POLICY, maxMs: 2_999 };
    const done = deliverWithRetries(RECIPIENTS, packagesFor, options(open), policy);
    await settle();
    vi.advanceTimersByTime(1_000);
    await done;
    expect(attempts()).toBe(2);
  });

  test("end at once on a signal during a delay, leaving no timer or listener", async () => {
    const { open, attempts } = refused();
    const stop = new AbortController();
    const done = deliverWithRetries(RECIPIENTS, packagesFor, options(open, stop.signal), POLICY);
    await settle();
    expect(getEventListeners(stop.signal, "abort").length).toBe(1);
    stop.abort(new Error("SIGINT"));
    expect((await done).cause).toMatchObject({
      error: { code: "interrupted" },
      texts: { unsent: "interrupted by SIGINT" },
    });
    expect(attempts()).toBe(1);
    expect([vi.getTimerCount(), getEventListeners(stop.signal, "abort")]).toEqual([0, []]);
  });

  test("end at once on a signal just before a delay", async () => {
    const { open, attempts } = refused();
    const stop = new AbortController();
    const note = (text: string) => {
      if (text.startsWith("attempt 2")) stop.abort(new Error("SIGINT"));
    };
    const observer = { note, sent: () => {}, received: () => {} };
    const quick = { ...options(open, stop.signal), observer };
    const { cause } = await deliverWithRetries(RECIPIENTS, packagesFor, quick, POLICY);
    expect([cause?.error.code, attempts(), vi.getTimerCount()]).toEqual(["interrupted", 1, 0]);
  });

  test("are not repeated after a signal during one", async () => {
    const stop = new AbortController();
    const open: Open = async () => {
      const { client, server } = connectionPair();
      server.once("data", () => stop.abort(new Error("SIGINT")));
      return { connection: client, server: SERVER, connectMs: 0 };
    };
    const policy = { ...POLICY, unanswered: true };
    const { attempts, cause } = await deliverWithRetries(
      RECIPIENTS,
      packagesFor,
      options(open, stop.signal),
      policy,
    );
    expect([attempts.length, cause?.error.code]).toEqual([1, "interrupted"]);
  });

  test("are not repeated if the message cannot be read", async () => {
    const message: Message = {
      encoding: "unix",
      length: 10,
      // biome-ignore lint/correctness/useYield: there is nothing to yield
      async *chunks() {
        throw new Error("gone");
      },
    };
    const open: Open = async () => ({ connection: connectionPair().client, server: SERVER, connectMs: 0 });
    const broken = (recipients: readonly Buffer[]) => [{ ...pkg("hi"), recipients, message }];
    const { attempts } = await deliverWithRetries(RECIPIENTS, broken, options(open), POLICY);
    expect(attempts.length).toBe(1);
  });

  test("collect the violations of them all", async () => {
    let attempts = 0;
    const open: Open = async () => {
      const { client, server } = connectionPair();
      attempts++;
      if (attempts < 3) server.once("data", () => setImmediate(() => server.write("x")));
      else startConversation(server);
      return { connection: client, server: SERVER, connectMs: 0 };
    };
    const policy = { ...POLICY, unanswered: true };
    const done = deliverWithRetries(RECIPIENTS, packagesFor, options(open), policy);
    await settle();
    vi.advanceTimersByTime(1_000);
    await settle();
    vi.advanceTimersByTime(2_000);
    const { violations, deliveries, cause } = await done;
    expect(violations.map(({ code }) => code)).toEqual(["bad-length", "bad-length"]);
    expect(deliveries).toMatchObject([{ status: "success", possibleDuplicate: true }]);
    expect(cause).toBeNull();
  });
});
