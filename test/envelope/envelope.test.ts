import { describe, expect, test } from "vitest";
import { distinct, recipientFromText, senderFromText } from "../../src/envelope/address.ts";
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
    expect(() => recipientFromText(`a${byte}b`, "recipient")).toThrow(
      `has the control byte 0x${hex} at position 1`,
    );
  });

  test("is refused if its bytes were lost in decoding", () => {
    expect(() => recipientFromText("j\ufffdrgen@x", "recipient")).toThrow("not valid UTF-8");
  });

  test("may be in angle brackets, but not next to them", () => {
    expect(recipientFromText("<joe@example.org>", "recipient").toString()).toBe("joe@example.org");
    expect(senderFromText("<joe@example.org>", "sender").toString()).toBe("joe@example.org");
    for (const text of ["Joe <joe@example.org>", "<a@x><b@x>", "a@x>", "<a@x", "<<a@x>>"]) {
      expect(() => recipientFromText(text, "recipient"), text).toThrow("is not a bare address");
      expect(() => senderFromText(text, "sender"), text).toThrow("is not a bare address");
    }
    expect(() => recipientFromText("<>", "recipient")).toThrow("recipient is empty");
  });

  test("may be empty as a sender, but not as a recipient", () => {
    expect(senderFromText("", "sender").length).toBe(0);
    expect(senderFromText("<>", "sender").length).toBe(0);
    expect(() => recipientFromText("", "recipient")).toThrow("recipient is empty");
  });
});

describe("a list of recipients", () => {
  test("has one per line, in order, with duplicates, without empty lines", () => {
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

describe("distinct addresses", () => {
  const strings = (addresses: readonly Buffer[]) => addresses.map((address) => address.toString("latin1"));
  const buffers = (...texts: string[]) => texts.map((text) => Buffer.from(text, "latin1"));

  test("are those not seen before, once each, in order", () => {
    const found = distinct(buffers("c@x", "a@x", "c@x", "b@x", "root"), buffers("a@x"));
    expect(strings(found)).toEqual(["c@x", "b@x", "root"]);
  });

  test("ignore case in the domain, but not in the local part", () => {
    expect(strings(distinct(buffers("joe@Example.ORG", "joe@example.org", "Joe@example.org")))).toEqual([
      "joe@Example.ORG",
      "Joe@example.org",
    ]);
  });

  test("differ by bytes that are not UTF-8", () => {
    expect(distinct(buffers("j\xe4@x", "j\xe5@x")).length).toBe(2);
  });
});
