import { describe, expect, test } from "vitest";
import type { OutputStream } from "../../src/io/streams.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import { messageJson } from "../../src/report/json.ts";
import { sanitise, sanitiseCapped } from "../../src/report/sanitise.ts";
import { isDecorated } from "../../src/report/terminal.ts";
import { deliveryLines, statusPaint } from "../../src/report/text.ts";

type Status = Delivery["status"];

const delivery = (status: Status, text: string | Buffer, recipient = "b@y"): Delivery => ({
  recipient: Buffer.from(recipient),
  status,
  text: Buffer.from(text),
  origin: "server",
  possibleDuplicate: false,
});

describe("printed text", () => {
  test.each([
    ["plain text", "ok 838640135 qp 1390 ~", "ok 838640135 qp 1390 ~"],
    ["letters and digits of any script", "Zoë Ωμέγα 日本 ١", "Zoë Ωμέγα 日本 ١"],
    ["line ends and tabs", "a\r\nb\tc", "a\\x0d\\x0ab\\x09c"],
    ["terminal control", "\x1b[31mred\x7f", "\\x1b[31mred\\x7f"],
    ["control characters in UTF-8", "a\u009bb\u200eb", "a\\xc2\\x9bb\\xe2\\x80\\x8eb"],
    [
      "symbols that are not letters",
      "“€😀”",
      "\\xe2\\x80\\x9c\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80\\xe2\\x80\\x9d",
    ],
    ["a replacement character", "\ufffd", "\\xef\\xbf\\xbd"],
  ])("has %s in one form", (_, text, clean) => {
    expect(sanitise(text)).toBe(clean);
  });

  test.each([
    ["a lone continuation", [0x80], "\\x80"],
    ["a cut sequence", [0xc3], "\\xc3"],
    ["a cut sequence before a letter", [0xe6, 0x97, 0x41], "\\xe6\\x97A"],
    ["an overlong form", [0xc1, 0x81], "\\xc1\\x81"],
    ["a surrogate", [0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"],
    ["latin1", [0x4a, 0xfc, 0x72], "J\\xfcr"],
  ])("escapes %s", (_, bytes, clean) => {
    expect(sanitise(Buffer.from(bytes))).toBe(clean);
  });

  test("is cut if it is longer than a line should be", () => {
    expect(sanitiseCapped(Buffer.alloc(60_000, "x"))).toBe(`${"x".repeat(2_000)} [60000 bytes in all]`);
    expect(sanitiseCapped(Buffer.alloc(2_000, "x"))).toBe("x".repeat(2_000));
    expect(sanitiseCapped(Buffer.alloc(2_000, "\n"))).toBe(`${"\\x0a".repeat(500)} [2000 bytes in all]`);
  });
});

test("each delivery has a line", async () => {
  const deliveries = [
    delivery("success", "ok"),
    delivery("failure", "no\n", "c@y"),
    delivery("deferral", ""),
  ];
  const paint = await statusPaint(false);
  expect([...deliveryLines(deliveries, paint)]).toEqual([
    "b@y: success: ok",
    "c@y: failure: no\\x0a",
    "b@y: deferral: ",
  ]);
});

test("colour changes nothing but the colour", async () => {
  const paint = await statusPaint(true);
  expect([...deliveryLines([delivery("failure", "no")], paint)]).toEqual([
    "b@y: \x1b[31mfailure\x1b[39m: no",
  ]);
});

test("colour is used only on a terminal, and only if not declined", () => {
  const terminal = { isTTY: true } as OutputStream;
  expect(isDecorated(terminal, {}, true)).toBe(true);
  expect(isDecorated(terminal, { NO_COLOR: "" }, true)).toBe(true);
  expect(isDecorated(terminal, { NO_COLOR: "1" }, true)).toBe(false);
  expect(isDecorated(terminal, { TERM: "dumb" }, true)).toBe(false);
  expect(isDecorated(terminal, {}, false)).toBe(false);
  expect(isDecorated({} as OutputStream, {}, true)).toBe(false);
});

test("the JSON object matches the contract", () => {
  const pieces = messageJson({
    server: { endpoint: "qmtp://mx.example.org:209", address: "192.0.2.1", port: 209, tls: null },
    message: { source: "-", bytes: 512, encoding: "unix" },
    sender: Buffer.from("a@x"),
    deliveries: [
      delivery("success", "ok 1234 qp 99"),
      { ...delivery("deferral", Buffer.of(0x61, 0xff)), origin: "client", possibleDuplicate: true },
    ],
    timing: { connectMs: 3.12499, sendMs: 1, responseMs: null },
    violations: [{ code: "surplus-response", message: "a response to nothing: success: \x1b[2J", offset: 7 }],
    error: null,
  });
  const json = [...pieces].join("");
  expect(json.endsWith("}\n")).toBe(true);
  // No byte that a terminal would act on, whatever the server sent.
  expect(json).toMatch(/^[\x20-\x7e]+\n$/);
  expect(JSON.parse(json)).toEqual({
    schema: 1,
    type: "message",
    outcome: "partial",
    exitCode: 111,
    server: { endpoint: "qmtp://mx.example.org:209", address: "192.0.2.1", port: 209, tls: null },
    message: { source: "-", bytes: 512, encoding: "unix" },
    sender: "a@x",
    deliveries: [
      {
        index: 0,
        recipient: "b@y",
        status: "success",
        text: "ok 1234 qp 99",
        origin: "server",
        possibleDuplicate: false,
      },
      {
        index: 1,
        recipient: "b@y",
        status: "deferral",
        text: "a\\xff",
        textBase64: "Yf8=",
        origin: "client",
        possibleDuplicate: true,
      },
    ],
    counts: { success: 1, deferral: 1, failure: 0 },
    timing: { connectMs: 3.1, sendMs: 1, responseMs: null },
    violations: [{ code: "surplus-response", message: "a response to nothing: success: \x1b[2J", offset: 7 }],
    error: null,
  });
});
