import { describe, expect, test } from "vitest";
import { deliverRepeatedly, type RetryPolicy } from "../../src/client/retry.ts";
import { CommandError } from "../../src/errors.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Package } from "../../src/protocol/package.ts";
import type { ConversationOptions, Received } from "../../src/sink/conversation.ts";
import { LIMITS, line, startConversation, textMessage } from "../session/conversing.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";

/** How the server is at one attempt; a text is why it cannot be reached. */
type Turn = (Partial<ConversationOptions> & { cut?: PairOptions }) | string | CommandError;

const POLICY: RetryPolicy = { retries: 5, delayMs: 1_000, maxMs: 3_600_000, unanswered: false };
const RECIPIENTS = ["ann@y", "bob@y", "cid@y"].map((recipient) => Buffer.from(recipient));

/** Sends to a sink that is one way after the other, the last way for ever. Time passes only in waits. */
async function send(turns: readonly Turn[], policy: Partial<RetryPolicy> = {}, split = false) {
  const accepted: string[] = [];
  const offered: string[] = [];
  const waits: number[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  let attempt = 0;
  let now = 0;
  const onPackage = ({ answers }: Received) => {
    for (const { recipient, response } of answers) {
      offered.push(recipient.toString());
      if (response.status === "success") accepted.push(recipient.toString());
    }
  };
  const open = async () => {
    const turn = turns[Math.min(attempt++, turns.length - 1)] as Turn;
    if (turn instanceof CommandError) throw turn;
    if (typeof turn === "string") throw new CommandError(turn, { code: "connect-failed" });
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
  const sent = await deliverRepeatedly(
    RECIPIENTS,
    packagesFor,
    {
      endpoints: [{ kind: "tcp", host: "attempt", port: 209 }],
      connector: { open },
      limits: LIMITS,
      signal: stop.signal,
      watch: { note: (text) => notes.push(text), sent: () => {}, received: () => {} },
    },
    { ...POLICY, ...policy },
    {
      now: () => now,
      random: () => 0,
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
const deferring = (defer: RegExp): Turn => ({
  policy: { defer, maxBytes: Number.POSITIVE_INFINITY, maxRecipients: 100 },
});
const refusing = (reject: RegExp): Turn => ({
  policy: { reject, maxBytes: Number.POSITIVE_INFINITY, maxRecipients: 100 },
});
const DEFERRED = "sorry, this recipient is deferred here (#4.3.0)";
const ALL_OK = ["ann@y success: ok", "bob@y success: ok", "cid@y success: ok"];
const EACH_ONCE = ["ann@y", "bob@y", "cid@y"];

describe.each([
  ["one package", false],
  ["a package each", true],
])("with %s", (_, split) => {
  test("a server that defers the first three times has each recipient once in the end", async () => {
    const all = deferring(/./);
    const { lines, accepted, waits, sent } = await send([all, all, all, WELL], {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(accepted).toEqual(EACH_ONCE);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    expect(sent.attempts.length).toBe(4);
  });

  test("only those who were deferred are sent again, in their order", async () => {
    const turns = [deferring(/ann|cid/), deferring(/cid/), WELL];
    const { lines, accepted, offered } = await send(turns, {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(offered).toEqual(["ann@y", "bob@y", "cid@y", "ann@y", "cid@y", "cid@y"]);
    expect(accepted).toEqual(["bob@y", "ann@y", "cid@y"]);
  });

  test("a server that is not there for a while has each recipient once", async () => {
    const { lines, accepted, waits } = await send(["refused", "refused", WELL], {}, split);
    expect(lines).toEqual(ALL_OK);
    expect(accepted).toEqual(EACH_ONCE);
    expect(waits).toEqual([1_000, 2_000]);
  });

  test("a failure is not tried again", async () => {
    const { lines, offered, waits } = await send([refusing(/bob/), WELL], {}, split);
    expect(lines[1]).toBe("bob@y failure: sorry, this recipient is refused here (#5.7.1)");
    expect(offered).toEqual(EACH_ONCE);
    expect(waits).toEqual([]);
  });
});

test("a connection that breaks before any package was whole is tried again", async () => {
  const { lines, accepted } = await send([{ cut: { cutUp: 5 } }, WELL]);
  expect(lines).toEqual(ALL_OK);
  expect(accepted).toEqual(EACH_ONCE);
});

describe("a recipient who may have the message", () => {
  const silent: Turn = { fault: "close-before-response" };
  const why =
    "deferral: connection closed before a response came (the message may have been delivered) (twice?)";

  test("is not sent it again", async () => {
    const { lines, waits } = await send([silent, WELL]);
    expect(lines).toEqual([`ann@y ${why}`, `bob@y ${why}`, `cid@y ${why}`]);
    expect(waits).toEqual([]);
  });

  test("is sent it again where that is asked for, and stays marked", async () => {
    const { lines } = await send([silent, WELL], { unanswered: true });
    expect(lines).toEqual(ALL_OK.map((text) => `${text} (twice?)`));
  });

  test("keeps that mark and those words where later attempts do not come to it", async () => {
    const { lines } = await send([silent, "refused"], { unanswered: true, retries: 2 });
    expect(lines).toEqual([`ann@y ${why}`, `bob@y ${why}`, `cid@y ${why}`]);
  });

  test("does not keep others from being tried again", async () => {
    // The first two have their answers, and the third one's is cut off.
    const { lines, offered } = await send([
      { ...(deferring(/ann/) as object), fault: "close-mid-response" },
      WELL,
    ]);
    expect(lines[0]).toBe("ann@y success: ok");
    expect(lines[1]).toBe("bob@y success: ok");
    expect(lines[2]).toMatch(/^cid@y deferral: .* \(twice\?\)$/);
    expect(offered).toEqual([...EACH_ONCE, "ann@y"]);
  });
});

describe("attempts end", () => {
  test("after as many as were asked for, with the server's last word", async () => {
    const { lines, waits, sent } = await send([deferring(/./)], { retries: 2 });
    expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: ${DEFERRED}`));
    expect(waits).toEqual([1_000, 2_000]);
    expect(sent.attempts.length).toBe(3);
  });

  test("at the first one, without retries", async () => {
    const { waits, sent } = await send([deferring(/./)], { retries: 0 });
    expect(waits).toEqual([]);
    expect(sent.attempts.length).toBe(1);
  });

  test("before one that would begin too late", async () => {
    const { waits, notes } = await send(["refused"], { maxMs: 7_000 });
    expect(waits).toEqual([1_000, 2_000, 4_000]);
    expect(notes.at(-1)).toBe("no further attempt: it would begin too late");
  });

  test.each(["tls-untrusted", "connection-refused", "not-under-ucspi"])("at once after %s", async (code) => {
    const { waits, lines } = await send([new CommandError("no", { code }), WELL]);
    expect(waits).toEqual([]);
    expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: no`));
  });

  test("with a signal during a wait, with what is known, and nothing more is sent", async () => {
    const { lines, accepted, sent } = await send([deferring(/ann/), WELL], INTERRUPTED);
    expect(lines).toEqual([`ann@y deferral: ${DEFERRED}`, "bob@y success: ok", "cid@y success: ok"]);
    expect(accepted).toEqual(["bob@y", "cid@y"]);
    expect(sent.problem).toMatchObject({ code: "interrupted", message: "interrupted by SIGINT" });
  });
});

test("a delay is no longer than ten minutes, unless a longer one is asked for", async () => {
  const { waits } = await send(["refused"], { retries: 12, maxMs: 1e9 });
  expect(waits.slice(-3)).toEqual([512_000, 600_000, 600_000]);
  expect((await send(["refused"], { retries: 2, delayMs: 900_000 })).waits).toEqual([900_000, 900_000]);
});

test("a server's word stays where later attempts find nobody", async () => {
  const { lines } = await send([deferring(/./), "refused"], { retries: 3 });
  expect(lines).toEqual(EACH_ONCE.map((recipient) => `${recipient} deferral: ${DEFERRED}`));
});

test("each attempt is told, and has a report of its own", async () => {
  const { notes, sent } = await send([deferring(/ann/), "refused", WELL]);
  expect(notes.filter((note) => note.startsWith("attempt"))).toEqual([
    "attempt 2 of 6, to 1 of the recipients, in 1.0 s",
    "attempt 3 of 6, to 1 of the recipients, in 2.0 s",
  ]);
  expect(sent.attempts.map(({ deliveries, problem }) => [deliveries.length, problem?.code])).toEqual([
    [3, undefined],
    [1, "connect-failed"],
    [1, undefined],
  ]);
  expect(sent.server.endpoint).toBe("qmtp://attempt-3:209");
});
