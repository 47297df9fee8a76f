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

/** All that was opened is handed over. */
function handOver(): void {
  ledger.written(opened);
}

test("responses are for recipients in order, across packages", () => {
  open("a", "b");
  handOver();
  open("c");
  handOver();
  ledger.sent(2);
  for (const response of [ok, no, ok]) ledger.settle(response, 0);
  expect(settled).toEqual(["a success: ok", "b failure: no", "c success: ok"]);
  expect([ledger.packages, ledger.bytes]).toEqual([0, 0]);
});

test("what is owed becomes deferrals, possible duplicates exactly where the package was sent whole", () => {
  open("a", "b");
  handOver();
  ledger.sent(1);
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

test("a response before the package's final byte settles nothing", () => {
  open("a");
  expect(() => ledger.settle(ok, 7)).toThrow(expect.objectContaining({ code: "early-response", offset: 7 }));
  ledger.abandon(words);
  expect(settled).toEqual(["a deferral: closed before all was sent"]);
});

test("a response may overtake the news that the final byte was taken", () => {
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

test("an unfinished package can be given up while others are still owed", () => {
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

test("a large message that the server would not take to its end is told apart", () => {
  const message = { encoding: "unix", length: 200_000_001, chunks: () => [] } as const;
  ledger.open({ ...pkg("a"), message }, 10);
  ledger.abandon({ ...words, unsentLarge: "closed; too large" });
  expect(settled).toEqual(["a deferral: closed; too large"]);
});

test("a hundred thousand packages take time in proportion", () => {
  for (let index = 0; index < 100_000; index++) open("a");
  handOver();
  ledger.sent(100_000);
  for (let index = 0; index < 100_000; index++) ledger.settle(ok, 0);
  expect(settled.length).toBe(100_000);
});
