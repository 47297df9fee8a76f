import { describe, expect, test } from "vitest";
import { encodeMaildirHead, parseMaildirHead } from "../../src/envelope/maildir-head.ts";
import { quoteLocalPart } from "../../src/header/quote.ts";

const parsed = (text: string) => {
  const head = parseMaildirHead(Buffer.from(text, "latin1"));
  return (
    head && [head.sender.toString("latin1"), head.recipient.toString("latin1"), head.firstLine, head.length]
  );
};

describe("the head of a maildir's file", () => {
  test.each<[string, string, (string | number)[] | undefined]>([
    ["both lines", "Return-Path: <a@x>\nDelivered-To: b@y\nbody", ["a@x", "b@y", 19, 37]],
    ["no body", "Return-Path: <a@x>\nDelivered-To: b@y\n", ["a@x", "b@y", 19, 37]],
    ["the null sender", "Return-Path: <>\nDelivered-To: b@y\n", ["", "b@y", 16, 34]],
    ["a double bounce's sender", "Return-Path: <#@[]>\nDelivered-To: b@y\n", ["#@[]", "b@y", 20, 38]],
    ["an empty recipient", "Return-Path: <a@x>\nDelivered-To: \n", ["a@x", "", 19, 34]],
    [
      "brackets and blanks that belong to the addresses",
      "Return-Path: < <a> >\nDelivered-To:  b \n",
      [" <a> ", " b ", 21, 39],
    ],
    ["bytes that are not UTF-8", "Return-Path: <\xff@x>\nDelivered-To: \xfe\n", ["\xff@x", "\xfe", 19, 35]],
    ["nothing", "", undefined],
    ["no second line", "Return-Path: <a@x>\n", undefined],
    ["a second line without its end", "Return-Path: <a@x>\nDelivered-To: b@y", undefined],
    ["the other order", "Delivered-To: b@y\nReturn-Path: <a@x>\n", undefined],
    ["no brackets", "Return-Path: a@x\nDelivered-To: b@y\n", undefined],
    ["one bracket as both", "Return-Path: <\nDelivered-To: b@y\n", undefined],
    ["CR before the line feed", "Return-Path: <a@x>\r\nDelivered-To: b@y\r\n", undefined],
    ["small letters", "return-path: <a@x>\nDelivered-To: b@y\n", undefined],
    ["a line before them", "\nReturn-Path: <a@x>\nDelivered-To: b@y\n", undefined],
  ])("%s", (_, text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test("is written as it is read", () => {
    const bytes = encodeMaildirHead(Buffer.from("a@x"), Buffer.from("b@y"));
    expect(bytes.toString()).toBe("Return-Path: <a@x>\nDelivered-To: b@y\n");
  });

  test("keeps its addresses if the buffer it was read from changes", () => {
    const bytes = Buffer.from("Return-Path: <a@x>\nDelivered-To: b@y\n");
    const head = parseMaildirHead(bytes);
    bytes.fill(0);
    expect([`${head?.sender}`, `${head?.recipient}`]).toEqual(["a@x", "b@y"]);
  });
});

test.each([
  ["joe@example.org", "joe@example.org"],
  ["joe.o'neill+x=y@example.org", "joe.o'neill+x=y@example.org"],
  ["joe", "joe"],
  ["two words@example.org", '"two words"@example.org'],
  ['a"b\\c@example.org', '"a\\"b\\\\c"@example.org'],
  [".joe@example.org", '".joe"@example.org'],
  ["a@b@example.org", '"a@b"@example.org'],
  ["@example.org", '""@example.org'],
])("in a header field, %s is %s", (address, expected) => {
  expect(quoteLocalPart(Buffer.from(address)).toString()).toBe(expected);
});
