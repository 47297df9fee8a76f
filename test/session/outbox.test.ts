import { Duplex } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { Outbox } from "../../src/session/outbox.ts";

/** A connection that takes one write at a time, on request. */
let writes: { bytes: Buffer; taken: (error?: Error) => void }[];
let connection: Duplex;
/** Packages that may have been sent in full, according to the outbox. */
let sent: number;
/** Packages handed over. */
let written: number;
/** Bytes the connection has taken. */
let taken: number;
let outbox: Outbox;

beforeEach(() => {
  writes = [];
  sent = 0;
  written = 0;
  taken = 0;
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
    taken: (bytes) => {
      taken += bytes;
    },
  });
});

const turn = () => new Promise(setImmediate);

test("a package is gathered until flushed, and was sent in full once the connection has taken it", async () => {
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

test("a busy connection gathers packages; after a torn write, all but the last may have been sent", async () => {
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

test("a package does not count with a write that stops short of its last byte", () => {
  for (let count = 0; count < 8; count++) outbox.add(Buffer.alloc(16_000, "a"));
  outbox.addLast(Buffer.alloc(16_000, "e"));
  // More than a block: its beginning goes first, and says nothing about the package.
  expect(writes.map(({ bytes }) => bytes.length)).toEqual([128_000]);
  writes[0]?.taken();
  expect(sent).toBe(0);
});

test("a package waiting in the block is not written yet, so no response can be its own", () => {
  outbox.addLast(Buffer.from("one"));
  outbox.flush();
  outbox.addLast(Buffer.from("two"));
  outbox.flush();
  expect([writes.length, written]).toEqual([1, 1]);
});

test("if a write is torn, packages before the start of another in it may have been sent", async () => {
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

test("while the connection is busy, there is room for a block of small pieces, but not for a large one", () => {
  expect(outbox.hasRoomFor(Buffer.alloc(100_000))).toBe(true);
  outbox.addLast(Buffer.from("busy"));
  outbox.flush();
  expect(outbox.hasRoomFor(Buffer.alloc(100_000))).toBe(false);
  for (let count = 0; count < 8; count++) outbox.add(Buffer.alloc(16_000));
  expect(outbox.hasRoomFor(Buffer.alloc(3_000))).toBe(true);
  expect(outbox.hasRoomFor(Buffer.alloc(4_000))).toBe(false);
});

test("a large piece is not copied, and a borrowed one is given back when taken", async () => {
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

const BLOCK = 131_072;
const LARGE = 16_384;

/** Makes the connection busy with a package of one byte. */
function occupy(): void {
  outbox.addLast(Buffer.from("0"));
  outbox.flush();
}

test("pieces of 16 KiB get their own write, smaller ones are gathered", () => {
  outbox.add(Buffer.alloc(LARGE - 1, "a"));
  expect([writes.length, outbox.empty]).toEqual([0, false]);
  outbox.add(Buffer.alloc(LARGE, "b"));
  expect(outbox.empty).toBe(true);
  writes[0]?.taken();
  expect(writes.map(({ bytes }) => `${bytes.length} ${String.fromCharCode(bytes[0] ?? 0)}`)).toEqual([
    `${LARGE - 1} a`,
    `${LARGE} b`,
  ]);
});

test("while the connection is busy, a block can be filled to its last byte", () => {
  occupy();
  for (let count = 0; count < 8; count++) {
    expect(outbox.hasRoomFor(Buffer.alloc(LARGE - 1))).toBe(true);
    outbox.add(Buffer.alloc(LARGE - 1, "a"));
  }
  expect([outbox.hasRoomFor(Buffer.alloc(8)), outbox.hasRoomFor(Buffer.alloc(9))]).toEqual([true, false]);
  expect(outbox.hasRoomFor(Buffer.alloc(LARGE))).toBe(false);
  outbox.add(Buffer.alloc(8, "b"));
  expect(writes.length).toBe(1);
  writes[0]?.taken();
  outbox.flush();
  expect(writes[1]?.bytes.length).toBe(BLOCK);
});

test("a whole package has room if its block has, or if the connection is idle", () => {
  expect([outbox.hasRoomForPackage(BLOCK), outbox.hasRoomForPackage(BLOCK + 1)]).toEqual([true, false]);
  outbox.add(Buffer.from("x"));
  expect(outbox.hasRoomForPackage(BLOCK)).toBe(true);
  occupy();
  outbox.add(Buffer.from("x"));
  expect([outbox.hasRoomForPackage(BLOCK - 1), outbox.hasRoomForPackage(BLOCK)]).toEqual([true, false]);
});

test("whole packages go into one block, one after another, and into the next when it is full", async () => {
  const put = (name: string, bytes: number) =>
    outbox.addPackage(bytes, (block, at) => block.fill(name, at, at + bytes));
  put("a", 3);
  put("b", BLOCK - 3);
  expect(writes).toEqual([]);
  put("c", 1);
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual([`aaa${"b".repeat(BLOCK - 3)}`]);
  // The second one ends the first write.
  expect([written, sent]).toEqual([2, 1]);
  writes[0]?.taken();
  await turn();
  expect(sent).toBe(2);
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)[1]).toBe("c");
  expect([written, sent]).toEqual([3, 2]);
});

test("bytes the connection has taken are reported, and no others", async () => {
  outbox.add(Buffer.from("12345"));
  outbox.add(Buffer.alloc(LARGE));
  expect(taken).toBe(0);
  writes[0]?.taken();
  expect(taken).toBe(5);
  writes[1]?.taken(new Error("reset"));
  await turn();
  expect(taken).toBe(5);
});

test("a block is reused only when the connection is done with it", async () => {
  outbox.addLast(Buffer.from("one"));
  outbox.flush();
  outbox.addLast(Buffer.from("two"));
  writes[0]?.taken();
  await turn();
  outbox.flush();
  outbox.addLast(Buffer.from("three"));
  writes[1]?.taken();
  await turn();
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["one", "two", "three"]);
});

test("a small borrowed piece is copied and given back at once", async () => {
  const piece = Buffer.from("small");
  await outbox.addBorrowed(piece);
  piece.fill("x");
  outbox.flush();
  expect(writes.map(({ bytes }) => `${bytes}`)).toEqual(["small"]);
});

test("a large borrowed piece goes after what was gathered, and yields to the event loop", async () => {
  const passing = new Duplex({ read() {}, write: (_chunk, _, done) => done() });
  const order: string[] = [];
  const direct = new Outbox(passing, {
    written: () => {},
    sent: () => {},
    taken: (bytes) => order.push(`${bytes} taken`),
  });
  direct.add(Buffer.from("12345"));
  setImmediate(() => order.push("turn"));
  await direct.addBorrowed(Buffer.alloc(LARGE));
  expect(order).toEqual(["5 taken", `${LARGE} taken`, "turn"]);
});

test("nothing is written if nothing was added", () => {
  outbox.flush();
  expect([writes.length, written, outbox.empty]).toEqual([0, 0, true]);
});
