import { describe, expect, test, vi } from "vitest";
import type { PairOptions } from "../session/pair.ts";
import {
  ANSWER,
  answeredIn,
  type CutMessage,
  type Delivered,
  deliverCut,
  messagesOf,
  wireOf,
} from "./cut-maildir.ts";

vi.mock(import("../../src/client/deliver.ts"), async (original) =>
  (await import("../support/watched-sessions.ts")).watched(await original()),
);

/**
 * Every byte at which a connection can be cut while a maildir is delivered. The server accepts everything: the
 * truth follows from the packages it had in full and the responses that passed in full.
 */
const SMALL = messagesOf("first\n", "second\n", "third\n");
/** The second is read from its file and sent in pieces. */
const LARGE = messagesOf("first\n", "x".repeat(150_000), "third\n");
const ALL = ["new/a", "new/b", "new/c"];

function lengthOf(messages: readonly CutMessage[]): number {
  return messages.reduce((sum, message) => sum + wireOf(message).length, 0);
}

/** The largest write of several packages. */
const BLOCK = 131_072;
const DOWN = ANSWER.length * 3;

/** Each byte of the small ones; of the large one, those near the edges of files, blocks and pieces, and a few more. */
function cutsUp(messages: readonly CutMessage[]): number[] {
  const all = Array.from({ length: lengthOf(messages) + 1 }, (_, at) => at);
  if (messages === SMALL) return all;
  const [first, second] = messages.map((message) => wireOf(message).length) as [number, number];
  const edges = [first, 65_536, first + 65_536, 131_072, first + 131_072, first + second];
  const nearEdge = (at: number) => edges.some((edge) => Math.abs(at - edge) <= 12);
  return all.filter((at) => at % 4_999 === 0 || at <= 60 || at > first + second - 40 || nearEdge(at));
}

const cutsDown = Array.from({ length: DOWN + 1 }, (_, at) => at);

interface Row {
  readonly messages: CutMessage[];
  readonly cutWith: "end" | "reset";
}

const rows: ReadonlyArray<[string, Row]> = [
  ["three small messages, the end", { messages: SMALL, cutWith: "end" }],
  ["three small messages, a reset", { messages: SMALL, cutWith: "reset" }],
  ["a large message in the middle, the end", { messages: LARGE, cutWith: "end" }],
  ["a large message in the middle, a reset", { messages: LARGE, cutWith: "reset" }],
];

function allCuts({ messages, cutWith }: Row): PairOptions[] {
  return [
    ...cutsUp(messages).map((cutUp) => ({ cutUp, cutWith })),
    ...cutsDown.map((cutDown) => ({ cutDown, cutWith })),
  ];
}

/** The packages that servers of all sessions had in full, with counts. */
function acceptedIn({ sessions }: Delivered): Map<string, number> {
  const times = new Map<string, number>();
  for (const name of sessions.flatMap(({ whole }) => whole)) times.set(name, (times.get(name) ?? 0) + 1);
  return times;
}

const recipientOf = ({ delivery }: Delivered["results"][number]) => delivery.recipient.toString();

/** One result each, and files of exactly those without a success. */
function expectOneResultEach({ results, files, leftOver }: Delivered, cut: string): void {
  expect(results.map(({ file }) => file.name).sort(), cut).toEqual(ALL);
  const kept = results.filter(({ delivery }) => delivery.status !== "success");
  expect(kept.map(({ file }) => file.name).sort(), cut).toEqual([...files].sort());
  for (const { delivery, outcome } of results) {
    expect(outcome, cut).toBe(delivery.status === "success" ? "removed" : "kept");
  }
  expect(leftOver, cut).toBe(files.length > 0);
}

/**
 * A mark is due if a server had the whole package and its response did not arrive. Only if one write of
 * several packages is torn may there be one too many: for a package that ends inside the write but is not its last.
 */
function expectMarks({ sessions, results }: Delivered, messages: readonly CutMessage[], cut: string): void {
  for (const session of sessions) {
    const { taken, whole, doubtful, up } = session;
    const answered = answeredIn(session);
    const owed = whole.filter((recipient) => !answered.includes(recipient));
    for (const recipient of owed) expect(doubtful, cut).toContain(recipient);
    for (const recipient of doubtful.filter((one) => !owed.includes(one))) {
      expect(answered, cut).not.toContain(recipient);
      expect(recipient, cut).not.toBe(taken.at(-1));
      const before = taken.slice(0, taken.indexOf(recipient) + 1);
      const end = lengthOf(messages.filter((message) => before.includes(message.recipient)));
      expect(end - up, cut).toBeLessThanOrEqual(BLOCK);
    }
  }
  for (const result of results) {
    const doubted = sessions.some(({ doubtful }) => doubtful.includes(recipientOf(result)));
    expect(result.delivery.possibleDuplicate, cut).toBe(doubted);
  }
}

describe.each(rows)("%s", (_, row) => {
  const { messages } = row;

  test("after a cut at any byte of the first session, later ones deliver everything", async () => {
    for (const options of allCuts(row)) {
      const cut = JSON.stringify(options);
      const delivered = await deliverCut(messages, (session) => (session === 0 ? options : {}));
      expectOneResultEach(delivered, cut);
      expectMarks(delivered, messages, cut);
      expect(delivered.files, cut).toEqual([]);
      const accepted = acceptedIn(delivered);
      expect([...accepted.keys()].sort(), cut).toEqual(["a@x", "b@x", "c@x"]);
      for (const result of delivered.results) {
        // A copy delivered twice is marked, and none is delivered more often.
        const times = accepted.get(recipientOf(result)) as number;
        expect(times, cut).toBeLessThanOrEqual(result.delivery.possibleDuplicate ? 2 : 1);
      }
    }
  });

  test("if every session is cut at the same byte, the rounds end, and nothing is lost", async () => {
    for (const options of allCuts(row)) {
      const cut = JSON.stringify(options);
      const delivered = await deliverCut(messages, () => options);
      expectOneResultEach(delivered, cut);
      expectMarks(delivered, messages, cut);
      const { sessions, files } = delivered;
      const answered = sessions.flatMap(answeredIn);
      for (const { name, recipient } of messages) {
        if (!files.includes(name)) expect(answered, `${name} is gone, ${cut}`).toContain(recipient);
      }
      // Delivery ends after three fruitless rounds in a row, and only then.
      const fruitful = sessions.map(({ fromServer }) => (fromServer > 0 ? "+" : "-")).join("");
      expect(fruitful, cut).toMatch(files.length > 0 ? /^(-{0,2}\+)*---$/ : /^(-{0,2}\+)+$/);
    }
  });
});

test.each(["end", "reset"] as const)(
  "a large message that never gets through holds up no other: %s",
  async (cutWith) => {
    // Cut after the second read from the file: by then, earlier messages are answered.
    const messages = messagesOf("first\n", "x".repeat(5_000_000), "third\n");
    const delivered = await deliverCut(messages, () => ({ cutUp: 4_800_000, cutWith }));
    expectOneResultEach(delivered, cutWith);
    expect(delivered.files).toEqual(["new/b"]);
  },
);
