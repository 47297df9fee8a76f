import { Duplex } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { Outbox } from "../../src/session/outbox.ts";

/** A connection that takes one write at a time, when it is told to. */
let writes: { bytes: Buffer; taken: (error?: Error) => void }[];
let connection: Duplex;
/** Packages that may have been sent whole, as far as the outbox says. */
let sent: number;
/** Packages handed over. */
let written: number;
let outbox: Outbox;

beforeEach(() => {
  writes = [];
  sent = 0;
  written = 0;
  connection = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      writes.push({ bytes: Buffer.from(chunk), taken: done });
    },
  });
  connection.on("error", () => {});
  outbox = new Outbox(connection, {
    written: (packages) => {
      written = packages;
    },
    sent: (packages) => {
      sent = Math.max(sent, packages);
    },
    taken: () => {},
  });
});

const turn = () => new Promise(setImmediate);

test("a package is gathered until it is flushed, and was sent whole when the connection has taken it", async () => {
  outbox.add(Buffer.from("head"));
  outbox.addLast(Buffer.from("tail"));
  expect(writes).toEqual([]);
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["headtail"]);
  expect(sent).toBe(0);
  writes[0]?.taken();
  await turn();
  expect(sent).toBe(1);
});

test("while the connection is busy, packages are gathered; of a torn write all but the last may have been sent", async () => {
  outbox.addLast(Buffer.from("one"));
  outbox.flush();
  for (const name of ["two", "three", "four"]) outbox.addLast(Buffer.from(name));
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["one"]);
  writes[0]?.taken();
  await turn();
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["one", "twothreefour"]);
  expect(sent).toBe(3);
  writes[1]?.taken(new Error("reset"));
  await turn();
  expect(sent).toBe(3);
});

test("a package does not count with a write that holds only what came before its final byte", () => {
  for (let count = 0; count < 8; count++) outbox.add(Buffer.alloc(16_000, "a"));
  outbox.addLast(Buffer.alloc(16_000, "e"));
  // More than a block: its beginning goes first, and says nothing of the package.
  expect(writes.map(({ bytes }) => bytes.length)).toEqual([128_000]);
  writes[0]?.taken();
  expect(sent).toBe(0);
});

test("a package that waits in the block is not written yet, so that no response can be its own", () => {
  outbox.addLast(Buffer.from("one"));
  outbox.flush();
  outbox.addLast(Buffer.from("two"));
  outbox.flush();
  expect([writes.length, written]).toEqual([1, 1]);
});

test("packages before the beginning of another one in the same write may have been sent, if it is torn", async () => {
  outbox.addLast(Buffer.from("one"));
  outbox.flush();
  outbox.addLast(Buffer.from("two"));
  outbox.add(Buffer.from("head of three"));
  writes[0]?.taken();
  await turn();
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["one", "twohead of three"]);
  expect([sent, written]).toEqual([2, 2]);
});

test("while the connection is busy, there is room for small pieces up to a block, and for no large one", () => {
  expect(outbox.hasRoomFor(Buffer.alloc(100_000))).toBe(true);
  outbox.addLast(Buffer.from("busy"));
  outbox.flush();
  expect(outbox.hasRoomFor(Buffer.alloc(100_000))).toBe(false);
  for (let count = 0; count < 8; count++) outbox.add(Buffer.alloc(16_000));
  expect(outbox.hasRoomFor(Buffer.alloc(3_000))).toBe(true);
  expect(outbox.hasRoomFor(Buffer.alloc(4_000))).toBe(false);
});

test("a large piece is not copied, and one that is borrowed is given back when it was taken", async () => {
  const piece = Buffer.alloc(100_000);
  let given = false;
  const lent = outbox.addBorrowed(piece).then(() => {
    given = true;
  });
  await turn();
  expect([writes.length, given]).toEqual([1, false]);
  writes[0]?.taken();
  await lent;
});
