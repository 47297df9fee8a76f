import { describe, expect, test } from "vitest";
import { deliverWithRetries, type RetryPolicy } from "../../src/client/retry.ts";
import { QmtpError } from "../../src/errors.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Package } from "../../src/protocol/package.ts";
import type { Received } from "../../src/sink/contract.ts";
import { RULE_TEXTS } from "../../src/sink/rules.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";
import { type Behaviour, LIMITS, line, startConversation, textMessage } from "../session/sending.ts";

/** How the server behaves in one attempt; a text is why it cannot be reached. */
type Turn = (Behaviour & { cut?: PairOptions }) | string | QmtpError;

const POLICY: RetryPolicy = { retries: 5, delayMs: 1_000, maxMs: 3_600_000, unanswered: false };
const RECIPIENTS = ["ann@y", "bob@y", "cid@y"].map((recipient) => Buffer.from(recipient));

/** Sends to a sink that behaves in each of these ways in turn, then the last way forever. Time passes only in waits. */
async function send(turns: readonly Turn[], policy: Partial<RetryPolicy> = {}, split = false, chance = 0) {
  const accepted: string[] = [];
  const offered: string[] = [];
  const waits: number[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  let attempt = 0;
  // A monotonic clock may start anywhere.
  let now = 1e9;
  const onPackage = ({ answers }: Received) => {
    for (const { recipient, response } of answers) {
      offered.push(recipient.toString());
      if (response.status === "success") accepted.push(recipient.toString());
    }
  };
  const open = async () => {
    const turn = turns[Math.min(attempt++, turns.length - 1)] as Turn;
    if (turn instanceof QmtpError) throw turn;
    if (typeof turn === "string") throw new QmtpError("connect-failed", turn);
    const { client, server } = connectionPair(turn.cut);
    startConversation(server, { ...turn, onPackage });
    const named = { endpoint: `qmtp://attempt-${attempt}:209`, address: null, port: null, tls: null };
    return { connection: client, server: named, connectMs: 0 };
  };
  const packagesFor = (some: readonly Buffer[]): Package[] => {
    const common = { sender: Buffer.from("s@x"), message: textMessage("hi\n") };
    if (!split) return [{ ...common, recipients: some }];
    return some.map((recipient) => ({ ...common, recipients: [recipient] }));
  };
  const sent = await deliverWithRetries(
    RECIPIENTS,
    packagesFor,
    {
      endpoints: [{ kind: "tcp", host: "attempt", port: 209 }],
      connector: { open },
      limits: LIMITS,
      signal: stop.signal,
      observer: { note: (text) => notes.push(text), sent: () => {}, received: () => {} },
    },
    { ...POLICY, ...policy },
    undefined,
    {
      now: () => now,
      random: () => chance,
      wait: async (ms) => {
        waits.push(ms);
        now += ms;
        if (policy === INTERRUPTED) stop.abort(new Error("SIGINT"));
      },
    },
  );
  const lines = sent.deliveries.map((delivery: Delivery) => line(delivery).replace(/ok \d+ qp \d+/, "ok"));
  return { sent, lines, accepted, offered, waits, notes };
}

const INTERRUPTED: Partial<RetryPolicy> = {};
const WELL: Turn = {};
const answering = (status: "failure" | "deferral", pattern: RegExp): Turn => {
  const response = { status, text: Buffer.from(RULE_TEXTS[status]) };
  const recipients = [{ pattern, response }];
  return { rules: { recipients, maxBytes: Number.POSITIVE_INFINITY, maxRecipients: 100 } };
};
const deferring = (pattern: RegExp): Turn => answering("deferral", pattern);
const refusing = (pattern: RegExp): Turn => answering("failure", pattern);
const DEFERRED = "sorry, this recipient is deferred here (#4.3.0)";
const ALL_OK = ["ann@y success: ok", "bob@y success: ok", "cid@y success: ok"];
const EACH_ONCE = ["ann@y", "bob@y", "cid@y"];

describe.each([
  ["one package", false],
  ["a package each", true],
])("with %s", (_, split) => {
  test("each recipient is delivered once to a server that defers three times first", async () => {
    const all = deferring(/./);
    const { lines, accepted, waits, sent } = await send([all, all, all, WELL], {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(accepted).toEqual(EACH_ONCE);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    expect(sent.attempts.length).toBe(4);
  });

  test("only deferred recipients are sent again, in order", async () => {
    const turns = [deferring(/ann|cid/), deferring(/cid/), WELL];
    const { lines, accepted, offered } = await send(turns, {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(offered).toEqual(["ann@y", "bob@y", "cid@y", "ann@y", "cid@y", "cid@y"]);
    expect(accepted).toEqual(["bob@y", "ann@y", "cid@y"]);
  });

  test("each recipient is delivered once to a server that is down at first", async () => {
    const { lines, accepted, waits } = await send(["refused", "refused", WELL], {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(accepted).toEqual(EACH_ONCE);
    expect(waits).toEqual([1_000, 2_000]);
  });

  test("a failure is not retried", async () => {
    const { lines, offered, waits } = await send([refusing(/bob/), WELL], {}, split);
    expect(lines[1]).toBe("bob@y failure: sorry, this recipient is refused here (#5.7.1)");
    expect(offered).toEqual(EACH_ONCE);
    expect(waits).toEqual([]);
  });
});

test("a connection that breaks before any package is complete is retried", async () => {
  const { lines, accepted } = await send([{ cut: { cutUp: 5 } }, WELL]);
  expect(lines).toEqual(ALL_OK);
  expect(accepted).toEqual(EACH_ONCE);
});

describe("a recipient who may have the message", () => {
  const silent: Turn = { misbehaviour: "close-before-response" };
  const why =
    "deferral: connection closed before a response came (the message may have been delivered) (twice?)";

  test("is not sent it again", async () => {
    const { lines, waits } = await send([silent, WELL]);
    expect(lines).toEqual([`ann@y ${why}`, `bob@y ${why}`, `cid@y ${why}`]);
    expect(waits).toEqual([]);
  });

  test("is sent it again on request, and stays marked", async () => {
    const { lines } = await send([silent, WELL], { unanswered: true });
    expect(lines).toEqual(ALL_OK.map((text) => `${text} (twice?)`));
  });

  test("keeps the mark and the text if later attempts do not reach it", async () => {
    const { lines } = await send([silent, "refused"], { unanswered: true, retries: 2 });
    expect(lines).toEqual([`ann@y ${why}`, `bob@y ${why}`, `cid@y ${why}`]);
  });

  test("does not stop retries for the others", async () => {
    // The first two responses arrive; the third is cut off.
    const { lines, offered } = await send([
      { ...(deferring(/ann/) as object), misbehaviour: "close-mid-response" },
      WELL,
    ]);
    expect(lines[0]).toBe("ann@y success: ok");
    expect(lines[1]).toBe("bob@y success: ok");
    expect(lines[2]).toMatch(/^cid@y deferral: .* \(twice\?\)$/);
    expect(offered).toEqual([...EACH_ONCE, "ann@y"]);
  });
});

describe("attempts end", () => {
  test("after the number asked for, with the server's last response", async () => {
    const { lines, waits, sent } = await send([deferring(/./)], { retries: 2 });
    expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: ${DEFERRED}`));
    expect(waits).toEqual([1_000, 2_000]);
    expect(sent.attempts.length).toBe(3);
  });

  test("after the first without retries", async () => {
    const { waits, sent } = await send([deferring(/./)], { retries: 0 });
    expect(waits).toEqual([]);
    expect(sent.attempts.length).toBe(1);
  });

  test("before one that would start too late", async () => {
    const { waits, notes } = await send(["refused"], { maxMs: 7_000 });
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    expect(notes.at(-1)).toBe("no further attempt: it would begin too late");
  });

  test.each(["tls-untrusted", "connection-refused", "not-under-ucspi"] as const)(
    "at once after %s",
    async (code) => {
      const { waits, lines } = await send([new QmtpError(code, "no"), WELL]);
      expect(waits).toEqual([]);
      expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: no`));
    },
  );

  test("on a signal during a wait: known results are kept, and nothing more is sent", async () => {
    const { lines, accepted, sent } = await send([deferring(/ann/), WELL], INTERRUPTED);
    expect(lines).toEqual([`ann@y deferral: ${DEFERRED}`, "bob@y success: ok", "cid@y success: ok"]);
    expect(accepted).toEqual(["bob@y", "cid@y"]);
    expect(sent.cause?.error).toMatchObject({ code: "interrupted", message: "interrupted by SIGINT" });
  });
});

test("a delay is at most ten minutes unless a longer one is asked for", async () => {
  const { waits } = await send(["refused"], { retries: 12, maxMs: 1e9 });
  expect(waits.slice(-3)).toEqual([512_000, 600_000, 600_000]);
  expect((await send(["refused"], { retries: 2, delayMs: 900_000 })).waits).toEqual([900_000, 900_000]);
});

test("a delay grows by up to half at random, so that clients that failed together spread out", async () => {
  const all = deferring(/./);
  expect((await send([all, all, all, WELL], {}, false, 1)).waits).toEqual([1_500, 3_000, 6_000]);
  expect((await send([all, all, all, WELL], {}, false, 0.5)).waits).toEqual([1_250, 2_500, 5_000]);
  expect((await send(["refused"], { retries: 1, delayMs: 600_000 }, false, 1)).waits).toEqual([900_000]);
});

test("the random part of a delay counts toward the deadline for attempts", async () => {
  expect((await send(["refused"], { retries: 1, maxMs: 1_500 }, false, 1)).waits).toEqual([1_500]);
  expect((await send(["refused"], { retries: 1, maxMs: 1_499 }, false, 1)).waits).toEqual([]);
});

test("a server's response is kept if later attempts cannot connect", async () => {
  const { lines } = await send([deferring(/./), "refused"], { retries: 3 });
  expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: ${DEFERRED}`));
});

test("if no attempt connects, the last reason is reported", async () => {
  const { lines } = await send(["refused", "unreachable"], { retries: 1 });
  expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: unreachable`));
});

test("each attempt is announced and has its own report", async () => {
  const { notes, sent } = await send([deferring(/ann/), "refused", WELL]);
  expect(notes.filter((note) => note.startsWith("attempt"))).toEqual([
    "attempt 2 of 6, to 1 of the recipients, in 1.0 s",
    "attempt 3 of 6, to 1 of the recipients, in 2.0 s",
  ]);
  expect(sent.attempts.map(({ deliveries, cause }) => [deliveries.length, cause?.error.code])).toEqual([
    [3, undefined],
    [1, "connect-failed"],
    [1, undefined],
  ]);
  expect(sent.server.endpoint).toBe("qmtp://attempt-3:209");
});
