import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeHead, encodeTail, packageLength } from "../../src/protocol/package.ts";
import { type PackageEvent, PackageReader } from "../../src/protocol/package-reader.ts";
import { readEveryWay } from "./cuts.ts";
import { EXAMPLES } from "./qmtp-examples.ts";

/** Events with the body's pieces joined: where they are cut does not matter. */
function joinBodies(events: readonly PackageEvent[]): unknown[] {
  const joined: unknown[] = [];
  let body: Buffer | undefined;
  for (const event of events) {
    if (event.type === "body") {
      body = Buffer.concat([body ?? Buffer.alloc(0), event.bytes]);
      continue;
    }
    if (body !== undefined) joined.push({ body: body.toString("latin1") });
    body = undefined;
    const { address, ...rest } = { address: undefined, ...event };
    joined.push(address === undefined ? rest : { [event.type]: (address as Buffer).toString("latin1") });
  }
  if (body !== undefined) joined.push({ body: body.toString("latin1") });
  return joined;
}

/** The body of an unfinished package may be cut anywhere, so it is not compared. */
const withoutBodies = (events: readonly PackageEvent[]) =>
  joinBodies(events.filter((event) => event.type !== "body"));

const read = (wire: string | Buffer) =>
  readEveryWay(() => new PackageReader(), Buffer.from(wire), joinBodies);

function encode(pkg: {
  encoding: "unix" | "dos";
  message: Buffer;
  sender: Buffer;
  recipients: Buffer[];
}): Buffer {
  const message = { encoding: pkg.encoding, length: pkg.message.length, chunks: () => [pkg.message] };
  const tail = Array.from(encodeTail(pkg.sender, pkg.recipients), ({ piece }) => Buffer.from(piece));
  const wire = Buffer.concat([encodeHead(message), pkg.message, ...tail]);
  expect(packageLength({ ...pkg, message })).toBe(wire.length);
  return wire;
}

describe("the examples of section 8", () => {
  test.each(EXAMPLES)(
    "encoding $encoding is written byte for byte",
    ({ encoding, message, sender, recipients, wire }) => {
      const bytes = encode({
        encoding,
        message: Buffer.from(message),
        sender: Buffer.from(sender),
        recipients: recipients.map((recipient) => Buffer.from(recipient)),
      });
      expect(bytes.toString("latin1")).toBe(wire);
    },
  );

  test("both are read, one after the other", () => {
    const expected = EXAMPLES.flatMap(({ encoding, message, sender, recipients }) => [
      { type: "message", encoding, length: message.length },
      { body: message },
      { sender },
      ...recipients.map((recipient) => ({ recipient })),
      { type: "end" },
    ]);
    expect(read(EXAMPLES.map(({ wire }) => wire).join(""))).toEqual({ values: expected, violation: null });
  });
});

test("an empty message, a null sender and an empty recipient are read", () => {
  expect(read("1:\n,0:,3:0:,,").values).toEqual([
    { type: "message", encoding: "unix", length: 0 },
    { sender: "" },
    { recipient: "" },
    { type: "end" },
  ]);
});

describe("an invalid package", () => {
  test.each([
    ["a leading zero", "01:\n", "bad-length", 1],
    ["eleven digits", "10000000000:\n", "length-over-cap", 10],
    ["an empty encoded message", "0:,", "unknown-encoding", 2],
    ["an encoding in a message of no bytes", "0:\n,", "unknown-encoding", 2],
    ["a message without an encoding", "3:hi\n,", "unknown-encoding", 2],
    ["a message without its comma", "3:\nhi;", "missing-comma", 5],
    ["a sender without length", "1:\n,x:", "bad-length", 4],
    ["a sender longer than 64 KiB", "1:\n,65537:", "length-over-cap", 8],
    ["a sender without its comma", "1:\n,1:ab", "missing-comma", 7],
    ["no recipients", "1:\n,0:,0:,", "no-recipients", 8],
    ["a recipient longer than 64 KiB", "1:\n,0:,99999:65537:", "length-over-cap", 17],
    ["a recipient without its comma", "1:\n,0:,5:2:ab;,", "missing-comma", 13],
    ["a recipient longer than the list", "1:\n,0:,4:2:ab,,", "recipients-overrun", 13],
    ["a list that ends in a length", "1:\n,0:,2:12:ab,", "recipients-overrun", 11],
    ["a list that ends in a later recipient", "1:\n,0:,5:0:,9:123456789,,", "recipients-overrun", 14],
    ["a list without its comma", "1:\n,0:,3:0:,x", "missing-comma", 12],
  ])("%s is a violation, with its place", (_, wire, code, offset) => {
    const every = readEveryWay(() => new PackageReader(), Buffer.from(wire), withoutBodies);
    expect(every.violation).toEqual({ code, offset });
    const good = "1:\n,0:,4:1:a,,";
    const after = readEveryWay(() => new PackageReader(), Buffer.from(good + wire + good), withoutBodies);
    expect(after.violation).toEqual({ code, offset: offset + good.length });
  });
});

test("a package does not end before its last byte", () => {
  const { wire } = EXAMPLES[1];
  for (let length = 0; length < wire.length; length++) {
    const reader = new PackageReader();
    reader.push(Buffer.from(wire.slice(0, length)));
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      expect(event.type).not.toBe("end");
    }
  }
});

test("addresses of 64 KiB are read", () => {
  const address = "a".repeat(65_536);
  const reader = new PackageReader();
  reader.push(Buffer.from(`1:\n,65536:${address},65543:65536:${address},,`));
  const events = Array.from({ length: 4 }, () => reader.next());
  expect(joinBodies(events as PackageEvent[])).toEqual([
    { type: "message", encoding: "unix", length: 0 },
    { sender: address },
    { recipient: address },
    { type: "end" },
  ]);
});

test("the reader reports whether it is inside a package, and how much it has read", () => {
  const reader = new PackageReader();
  const wire = "2:\nx,0:,4:1:a,,";
  expect([reader.begun, reader.offset]).toEqual([false, 0]);
  for (const before of [0, wire.length]) {
    for (let at = 0; at < wire.length; at++) {
      reader.push(Buffer.from(wire.slice(at, at + 1)));
      while (reader.next() !== undefined);
      expect([reader.begun, reader.offset]).toEqual([at + 1 < wire.length, before + at + 1]);
    }
  }
});

test("declaring a message's length takes no memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1_000 }, () => new PackageReader());
  for (const reader of readers) {
    reader.push(Buffer.from("9999999999:\nx"));
    while (reader.next() !== undefined);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

test("a list of recipients is cut into pieces of bounded size, and only the last is marked", () => {
  const recipients = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`user${index}@example.org`));
  const pieces = Array.from(encodeTail(Buffer.from("a@example.org"), recipients), ({ piece, last }) => ({
    bytes: Buffer.from(piece),
    last,
  }));
  const list = recipients.map((recipient) => `${recipient.length}:${recipient},`).join("");
  const wire = Buffer.concat(pieces.map(({ bytes }) => bytes)).toString();
  expect(wire).toBe(`,13:a@example.org,${list.length}:${list},`);
  // Each holds 64 KiB, including what goes before the list in the first, and is filled as far as possible.
  for (const [index, { bytes, last }] of pieces.entries()) {
    const most = index === 0 ? 65_536 + ",13:a@example.org,000000:".length : 65_536;
    expect(bytes.length).toBeLessThanOrEqual(most);
    if (!last) expect(bytes.length).toBeGreaterThan(most - 30);
  }
  expect(pieces.filter(({ last }) => last)).toEqual([pieces.at(-1)]);
});

test.each([
  ["recipients of 5 bytes", 5],
  ["recipients of 100 bytes", 100],
  ["recipients as long as a piece", 65_528],
  ["recipients longer than a piece", 65_600],
])("a list of %s is written in full, wherever its pieces are cut", (_, length) => {
  for (let more = 0; more < 12; more++) {
    const all = Array.from({ length: Math.ceil(140_000 / length) }, () => Buffer.alloc(length + more, "r"));
    for (const recipients of [all, all.slice(1), all.slice(2)]) {
      const pieces = Array.from(encodeTail(Buffer.from("s"), recipients), ({ piece }) => Buffer.from(piece));
      const list = recipients.map((recipient) => `${recipient.length}:${recipient},`).join("");
      expect(Buffer.concat(pieces).equals(Buffer.from(`,1:s,${list.length}:${list},`))).toBe(true);
    }
  }
});

test("addresses and messages of any bytes are read as written", () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  const pkg = fc.record({
    encoding: fc.constantFrom("unix" as const, "dos" as const),
    message: bytes,
    sender: bytes,
    recipients: fc.array(bytes, { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(pkg, (sent) => {
      const { encoding, message, sender, recipients } = sent;
      expect(read(encode(sent)).values).toEqual([
        { type: "message", encoding, length: message.length },
        ...(message.length > 0 ? [{ body: message.toString("latin1") }] : []),
        { sender: sender.toString("latin1") },
        ...recipients.map((recipient) => ({ recipient: recipient.toString("latin1") })),
        { type: "end" },
      ]);
    }),
    { numRuns: 50 },
  );
});
