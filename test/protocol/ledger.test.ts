import { beforeEach, expect, test } from "vitest";
import type { Delivery } from "../../src/protocol/delivery.ts";
import { Ledger } from "../../src/protocol/ledger.ts";
import type { Package } from "../../src/protocol/package.ts";

const ok = { status: "success", text: Buffer.from("ok") } as const;
const no = { status: "failure", text: Buffer.from("no") } as const;
const words = { sent: "closed before a response", unsent: "closed before all was sent" };

function pkg(...recipients: string[]): Package {
  return {
    sender: Buffer.alloc(0),
    recipients: recipients.map((recipient) => Buffer.from(recipient)),
    message: { encoding: "unix", length: 0, chunks: () => [] },
  };
}

let settled: string[];
let ledger: Ledger<Package>;

beforeEach(() => {
  settled = [];
  opened = 0;
  ledger = new Ledger((_, deliveries) => settled.push(...deliveries.map(show)));
});

function show({ recipient, status, text, possibleDuplicate }: Delivery): string {
  return `${recipient} ${status}: ${text}${possibleDuplicate ? " (twice?)" : ""}`;
}

let opened: number;

function open(...recipients: string[]): void {
  ledger.open(pkg(...recipients), 10);
  opened++;
}

/** Everything opened is handed over. */
function handOver(): void {
  ledger.markWritten(opened);
}

test("responses are for recipients in order, across packages", () => {
  open("a", "b");
  handOver();
  open("c");
  handOver();
  ledger.markSent(2);
  for (const response of [ok, no, ok]) ledger.settle(response, 0);
  expect(settled).toEqual(["a success: ok", "b failure: no", "c success: ok"]);
  expect([ledger.packages, ledger.bytes]).toEqual([0, 0]);
});

test("owed responses become deferrals, possible duplicates exactly if the package was sent in full", () => {
  open("a", "b");
  handOver();
  ledger.markSent(1);
  ledger.settle(ok, 0);
  open("c");
  handOver();
  open("d");
  ledger.abandon(words);
  expect(settled).toEqual([
    "a success: ok",
    "b deferral: closed before a response (the message may have been delivered) (twice?)",
    "c deferral: closed before all was sent",
    "d deferral: closed before all was sent",
  ]);
});

test("a response before the package's last byte settles nothing", () => {
  open("a");
  expect(() => ledger.settle(ok, 7)).toThrow(expect.objectContaining({ code: "early-response", offset: 7 }));
  ledger.abandon(words);
  expect(settled).toEqual(["a deferral: closed before all was sent"]);
});

test("a response may arrive before the last byte is known to be taken", () => {
  open("a");
  handOver();
  ledger.settle(ok, 0);
  expect(settled).toEqual(["a success: ok"]);
});

test("a response to nothing settles nothing", () => {
  expect(() => ledger.settle(ok, 3)).toThrow(
    expect.objectContaining({ code: "surplus-response", offset: 3 }),
  );
  open("a");
  handOver();
  ledger.settle(no, 3);
  expect(() => ledger.settle(ok, 9)).toThrow(expect.objectContaining({ code: "surplus-response" }));
  expect(settled).toEqual(["a failure: no"]);
});

test("an unfinished package can be given up while responses to others are owed", () => {
  open("a");
  handOver();
  open("b", "c");
  ledger.abandonUnfinished("the file changed");
  expect(settled).toEqual(["b deferral: the file changed", "c deferral: the file changed"]);
  ledger.settle(ok, 0);
  expect(settled.at(-1)).toBe("a success: ok");
  ledger.abandonUnfinished("once more");
  expect(settled.length).toBe(3);
});

test("a message so large that some servers do not take it has its own reason", () => {
  const message = { encoding: "unix", length: 199_999_999, chunks: () => [] } as const;
  ledger.open({ ...pkg("a"), message }, 10);
  ledger.abandon({ ...words, unsentLarge: "closed; too large" });
  expect(settled).toEqual(["a deferral: closed; too large"]);
});

test("a message of a byte less, which all servers take, has not", () => {
  const message = { encoding: "unix", length: 199_999_998, chunks: () => [] } as const;
  ledger.open({ ...pkg("a"), message }, 10);
  ledger.abandon({ ...words, unsentLarge: "closed; too large" });
  expect(settled).toEqual(["a deferral: closed before all was sent"]);
});

test("a large message is like any other if it was sent in full, or if there is no limit for large ones", () => {
  const large = {
    ...pkg("a"),
    message: { encoding: "unix", length: 200_000_001, chunks: () => [] },
  } as const;
  ledger.open(large, 10);
  ledger.markWritten(1);
  ledger.markSent(1);
  ledger.open(large, 10);
  ledger.abandon(words);
  expect(settled).toEqual([
    "a deferral: closed before a response (the message may have been delivered) (twice?)",
    "a deferral: closed before all was sent",
  ]);
});

test("a package the server has not read is no possible duplicate, though it was sent in full", () => {
  open("a");
  handOver();
  ledger.markSent(1);
  ledger.abandon({ ...words, undelivered: true });
  expect(settled).toEqual(["a deferral: closed before all was sent"]);
});

test("counts of packages written and sent never decrease", () => {
  open("a");
  open("b");
  ledger.markWritten(2);
  ledger.markWritten(1);
  ledger.markSent(2);
  ledger.markSent(1);
  ledger.settle(ok, 0);
  ledger.settle(ok, 0);
  open("c");
  ledger.abandon(words);
  expect(settled).toEqual(["a success: ok", "b success: ok", "c deferral: closed before all was sent"]);
});

test("the ledger reports what is owed", () => {
  const owed = () => {
    const { packages, bytes, partlyAnswered, lastHasSeveralRecipients } = ledger;
    return [packages, ledger.settled, bytes, partlyAnswered, lastHasSeveralRecipients];
  };
  expect(owed()).toEqual([0, 0, 0, false, false]);
  open("a", "b");
  handOver();
  expect(owed()).toEqual([1, 0, 10, false, true]);
  ledger.settle(ok, 0);
  expect(owed()).toEqual([1, 0, 10, true, true]);
  open("c");
  handOver();
  expect(owed()).toEqual([2, 0, 20, true, false]);
  ledger.settle(ok, 0);
  expect(owed()).toEqual([1, 1, 10, false, false]);
  ledger.settle(ok, 0);
  expect(owed()).toEqual([0, 2, 0, false, false]);
});

test("a package given up is no longer owed", () => {
  open("a");
  handOver();
  open("b");
  ledger.abandonUnfinished("the file changed");
  expect([ledger.packages, ledger.bytes, ledger.settled]).toEqual([1, 10, 0]);
  ledger.settle(ok, 0);
  expect([ledger.packages, ledger.bytes, ledger.settled]).toEqual([0, 0, 1]);
});

test("a package written in full is not given up", () => {
  open("a");
  open("b");
  handOver();
  ledger.abandonUnfinished("the file changed");
  expect([settled, ledger.packages]).toEqual([[], 2]);
});

test("after many settled packages, the right ones are still owed", () => {
  for (let index = 0; index < 200; index++) open(`r${index}`);
  handOver();
  for (let index = 0; index < 120; index++) ledger.settle(index % 2 === 0 ? ok : no, 0);
  expect([ledger.packages, ledger.bytes, ledger.settled]).toEqual([80, 800, 120]);
  ledger.abandon(words);
  expect(settled.map((text) => text.split(":")[0])).toEqual(
    Array.from({ length: 200 }, (_, index) => {
      if (index >= 120) return `r${index} deferral`;
      return `r${index} ${index % 2 === 0 ? "success" : "failure"}`;
    }),
  );
  expect([ledger.packages, ledger.bytes, ledger.settled]).toEqual([0, 0, 200]);
});

test("a hundred thousand packages take time in proportion", () => {
  for (let index = 0; index < 100_000; index++) open("a");
  handOver();
  ledger.markSent(100_000);
  for (let index = 0; index < 100_000; index++) ledger.settle(ok, 0);
  expect(settled.length).toBe(100_000);
});
