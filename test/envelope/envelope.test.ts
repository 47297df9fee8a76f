import { describe, expect, test } from "vitest";
import { addressFromText, recipientFromText, senderFromText } from "../../src/envelope/address.ts";
import { parseRecipients } from "../../src/envelope/recipients-file.ts";

const list = (text: string) =>
  parseRecipients(Buffer.from(text, "latin1"), "list").map((to) => to.toString("latin1"));

describe("an address", () => {
  test("may be any text without control bytes", () => {
    for (const text of ["joe@example.org", "jürgen@example.org", '"a b"@x', "#@[]", "\\Backslashes!@x"]) {
      expect(recipientFromText(text, "recipient").toString()).toBe(text);
    }
  });

  test.each(["\x00", "\n", "\r", "\t", "\x1f", "\x7f"])("is refused with the control byte %j", (byte) => {
    const hex = byte.charCodeAt(0).toString(16).padStart(2, "0");
    expect(() => addressFromText(`a${byte}b`, "recipient")).toThrow(
      `has the control byte 0x${hex} at position 1`,
    );
  });

  test("is refused where its bytes were lost on the way", () => {
    expect(() => addressFromText("j\ufffdrgen@x", "recipient")).toThrow("not valid UTF-8");
  });

  test("is nobody as a sender, but not as a recipient", () => {
    expect(senderFromText("", "sender").length).toBe(0);
    expect(senderFromText("<>", "sender").length).toBe(0);
    expect(() => recipientFromText("", "recipient")).toThrow("recipient is empty");
  });
});

describe("a list of recipients", () => {
  test("has one on each line, in order, duplicates kept, empty lines left out", () => {
    expect(list("b@x\na@x\n\nb@x\n")).toEqual(["b@x", "a@x", "b@x"]);
  });

  test("may end its lines with CRLF, and the last one with nothing", () => {
    expect(list("a@x\r\n\r\nb@x")).toEqual(["a@x", "b@x"]);
  });

  test("holds any bytes but control bytes", () => {
    expect(list("\xff\xfe@x\nj\xfcrgen@x\n")).toEqual(["\xff\xfe@x", "j\xfcrgen@x"]);
    expect(() => list("a@x\nb\t@x\n")).toThrow(
      "list, line 2: 'b\t@x' has the control byte 0x09 at position 1",
    );
  });

  test.each(["", "\n", "\r\n\n"])("of nothing (%j) is refused", (text) => {
    expect(() => list(text)).toThrow("list holds no recipients; write one address per line");
  });
});
