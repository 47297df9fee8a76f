import { describe, expect, test } from "vitest";
import { readQueueEnvelope } from "../../src/envelope/queue-envelope.ts";

async function* streamOf(chunks: Iterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield* chunks;
}

/** The addresses read, one character per byte, or the error code. */
async function read(...chunks: Buffer[]): Promise<string[] | string> {
  try {
    const { sender, recipients } = await readQueueEnvelope(streamOf(chunks));
    return [sender, ...recipients].map((address) => address.toString("latin1"));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const byteByByte = (input: Buffer) => Array.from(input, (byte) => Buffer.of(byte));

const ENVELOPES: ReadonlyArray<[what: string, envelope: string, addresses: string[]]> = [
  ["one recipient", "Fa@x\0Tb@y\0\0", ["a@x", "b@y"]],
  ["several recipients, in their order", "Fa@x\0Tc@y\0Tb@y\0Td@z\0\0", ["a@x", "c@y", "b@y", "d@z"]],
  ["a repeated recipient", "Fa@x\0Tb@y\0Tc@y\0Tb@y\0\0", ["a@x", "b@y", "c@y", "b@y"]],
  ["the null sender", "F\0Tb@y\0\0", ["", "b@y"]],
  ["an empty recipient", "Fa@x\0T\0\0", ["a@x", ""]],
  ["addresses that begin with F and T", "FF@x\0TT@y\0TF\0\0", ["F@x", "T@y", "F"]],
  [
    "bytes that are not text",
    "F\xff\xfe@x\0T\n\r\t@y\0T\x01 \x7f\xc3\0\0",
    ["\xff\xfe@x", "\n\r\t@y", "\x01 \x7f\xc3"],
  ],
];

describe.each(ENVELOPES)("an envelope with %s", (_what, envelope, addresses) => {
  const whole = bytes(envelope);

  test("is read in one piece, byte by byte, and with empty chunks", async () => {
    expect(await read(whole)).toEqual(addresses);
    expect(await read(...byteByByte(whole))).toEqual(addresses);
    expect(await read(Buffer.alloc(0), whole)).toEqual(addresses);
  });

  test("is read in two chunks, wherever it is cut", async () => {
    for (let at = 1; at < whole.length; at++) {
      expect(await read(whole.subarray(0, at), whole.subarray(at)), `cut at ${at}`).toEqual(addresses);
    }
  });

  test("is bad if it ends anywhere before its last NUL, however it is cut", async () => {
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      expect(await read(cut), `after ${length}`).toBe("bad-envelope");
      expect(await read(...byteByByte(cut)), `after ${length}, byte by byte`).toBe("bad-envelope");
    }
  });

  test("ends at its last NUL: anything after it is ignored", async () => {
    for (const after of ["Tc@y\0\0", "\0", "rubbish"]) {
      expect(await read(bytes(envelope + after))).toEqual(addresses);
      expect(await read(whole, bytes(after))).toEqual(addresses);
    }
  });
});

test("nothing is read after the last NUL", async () => {
  let asked = 0;
  let closed = false;
  async function* neverEnding(): AsyncGenerator<Buffer, void> {
    try {
      yield bytes("Fa@x\0Tb@y\0\0");
      asked++;
      await new Promise(() => {});
    } finally {
      closed = true;
    }
  }
  const { recipients } = await readQueueEnvelope(neverEnding());
  expect(recipients).toEqual([bytes("b@y")]);
  expect([asked, closed]).toEqual([0, true]);
});

describe("bad-envelope is", () => {
  const rows: ReadonlyArray<[what: string, envelope: string]> = [
    ["nothing at all", ""],
    ["only the last NUL", "\0"],
    ["no sender", "\0Tb@y\0\0"],
    ["no recipients", "Fa@x\0\0"],
    ["no recipients and the null sender", "F\0\0"],
    ["a recipient in place of the sender", "Tb@y\0Tc@y\0\0"],
    ["a second sender", "Fa@x\0Fc@x\0Tb@y\0\0"],
    ["a sender after a recipient", "Fa@x\0Tb@y\0Fc@x\0\0"],
    ["small letters", "fa@x\0tb@y\0\0"],
    ["a small letter for a recipient", "Fa@x\0Tb@y\0tc@y\0\0"],
    ["a blank before the letter", " Fa@x\0Tb@y\0\0"],
    ["a newline after the sender's NUL", "Fa@x\0\nTb@y\0\0"],
    ["a letter that is neither", "Fa@x\0Tb@y\0Xc@y\0\0"],
    ["addresses that end with a newline", "Fa@x\nTb@y\n\n"],
  ];
  test.each(rows)("%s", async (_what, envelope) => {
    expect(await read(bytes(envelope))).toBe("bad-envelope");
    expect(await read(...byteByByte(bytes(envelope)))).toBe("bad-envelope");
  });

  test("reported with the offset of the bad byte", async () => {
    const message = async (...chunks: Buffer[]) =>
      readQueueEnvelope(streamOf(chunks)).catch((error: Error) => error.message);
    const wrong = bytes("Fa@x\0Tb@y\0Xc@y\0\0");
    for (const chunks of [[wrong], byteByByte(wrong), [wrong.subarray(0, 12), wrong.subarray(12)]]) {
      expect(await message(...chunks)).toBe(
        "bad envelope on descriptor 1: T and a recipient expected at byte 10",
      );
    }
    expect(await message(bytes("Fa@x\0Tb"))).toBe(
      "bad envelope on descriptor 1: it ended after 7 bytes, before its last NUL; nothing was sent",
    );
  });
});

test.each([1, 2, 3, 7, 12, 20])("a buffer may be reused every %i bytes", async (size) => {
  const envelope = bytes("Fsender@x\0Tfirst@y\0Tsecond@y\0\0");
  async function* reused(): AsyncGenerator<Buffer, void> {
    const buffer = Buffer.alloc(size);
    for (let at = 0; at < envelope.length; at += size) {
      yield buffer.subarray(0, envelope.copy(buffer, 0, at, at + size));
      buffer.fill("!");
    }
  }
  const { sender, recipients } = await readQueueEnvelope(reused());
  expect([sender, ...recipients].map(String)).toEqual(["sender@x", "first@y", "second@y"]);
});

describe("an envelope without end is too large", () => {
  const MIB = 1024 * 1024;
  /** Its first bytes, then the same chunk repeatedly; counts the bytes taken. */
  function endless(begin: string, chunk: Buffer) {
    const count = { bytes: 0 };
    async function* stream(): AsyncGenerator<Buffer, void> {
      yield bytes(begin);
      for (;;) {
        count.bytes += chunk.length;
        yield chunk;
      }
    }
    return { count, stream: stream() };
  }

  test.each([
    ["a sender", "F", Buffer.alloc(MIB, "x")],
    ["a recipient", "Fa@x\0T", Buffer.alloc(MIB, "x")],
    ["recipients", "Fa@x\0", Buffer.alloc(MIB, `T${"b".repeat(510)}\0`)],
  ])("after 64 MiB: %s", async (_what, begin, chunk) => {
    const { count, stream } = endless(begin, chunk);
    await expect(readQueueEnvelope(stream)).rejects.toMatchObject({ code: "envelope-too-large" });
    expect(count.bytes).toBe(64 * MIB);
  });
});

describe("an address of 1,003 bytes is too long, as for qmail-queue", () => {
  test.each<[string, (address: string) => string]>([
    ["the sender", (address) => `F${address}\0Tb@y\0\0`],
    ["a recipient", (address) => `Fa@x\0Tb@y\0T${address}\0\0`],
  ])("%s", async (_who, envelopeOf) => {
    const [longest, longer] = [1_002, 1_003].map((length) => "a".repeat(length)) as [string, string];
    expect(await read(bytes(envelopeOf(longest)))).toContain(longest);
    expect(await read(bytes(envelopeOf(longer)))).toBe("address-too-long");
  });
});

test("100,000 recipients take little time, even in small chunks", async () => {
  const addresses = Array.from({ length: 100_000 }, (_, index) => `recipient-${index}@host.example.org`);
  const envelope = Buffer.from(`Fa@x\0${addresses.map((address) => `T${address}\0`).join("")}\0`);
  const started = performance.now();
  expect(await read(envelope)).toEqual(["a@x", ...addresses]);
  function* pieces() {
    for (let at = 0; at < envelope.length; at += 50) yield envelope.subarray(at, at + 50);
  }
  const { recipients } = await readQueueEnvelope(streamOf(pieces()));
  expect(recipients.length).toBe(100_000);
  // A second would be much; quadratic code takes minutes.
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("one long recipient in small chunks takes no time to speak of", async () => {
  function* pieces() {
    yield bytes("Fa@x\0T");
    for (let count = 0; count < 200_000; count++) yield bytes("0123456789");
    yield bytes("\0\0");
  }
  const started = performance.now();
  const message = "the address at byte 5 of the envelope has 2000000 bytes, over 1002; nothing was sent";
  await expect(readQueueEnvelope(streamOf(pieces()))).rejects.toMatchObject({ message });
  expect(performance.now() - started).toBeLessThan(5_000);
});
