import { describe, expect, test } from "vitest";
import { distinct, type Reading, recipientFromText, senderFromText } from "../../src/envelope/address.ts";
import { parseRecipients } from "../../src/envelope/recipients-file.ts";

const list = (text: string, reading: Reading = "typed") =>
  parseRecipients(Buffer.from(text, "latin1"), "list", reading).map((to) => to.toString("latin1"));
const recipient = (text: string, reading: Reading = "typed") =>
  recipientFromText(text, "recipient", reading).toString();
const sender = (text: string, reading: Reading = "typed") =>
  senderFromText(text, "sender", reading).toString();

describe("an address", () => {
  test("may be any text without control bytes", () => {
    for (const text of ["joe@example.org", "jürgen@example.org", '"a b"@x', "#@[]", "\\Backslashes!@x"]) {
      expect(recipient(text)).toBe(text);
      expect(recipient(text, "literal")).toBe(text);
    }
  });

  test.each(["\x00", "\n", "\r", "\t", "\x1f", "\x7f"])("is refused with the control byte %j", (byte) => {
    const hex = byte.charCodeAt(0).toString(16).padStart(2, "0");
    expect(() => recipient(`a${byte}b`)).toThrow(`has the control byte 0x${hex} at position 1`);
  });

  test("is refused if its bytes were lost in decoding", () => {
    expect(() => recipient("j\ufffdrgen@x")).toThrow("not valid UTF-8");
  });

  test("may be in angle brackets, but not next to them", () => {
    expect(recipient("<joe@example.org>")).toBe("joe@example.org");
    expect(sender("<joe@example.org>")).toBe("joe@example.org");
    for (const text of ["Joe <joe@example.org>", "<a@x><b@x>", "a@x>", "<a@x", "<<a@x>>"]) {
      expect(() => recipient(text), text).toThrow("is not a bare address");
      expect(() => sender(text), text).toThrow("is not a bare address");
    }
    expect(() => recipient("<>")).toThrow("recipient is empty");
  });

  test("may be empty as a sender, but not as a recipient", () => {
    expect(sender("").length).toBe(0);
    expect(sender("<>").length).toBe(0);
    expect(() => recipient("")).toThrow("recipient is empty");
    expect(() => recipient(" ")).toThrow("recipient is empty");
  });

  test("is not the null sender by accident", () => {
    expect(() => sender(" ")).toThrow("sender ' ' is blank");
    expect(() => sender("< >")).toThrow("sender '< >' is blank");
    expect(sender("<>", "literal")).toBe("");
  });

  test("is taken as it is if it is literal", () => {
    for (const text of [" a@x", "a@x, b@x", "Joe <joe@example.org>", "<a@x>", "a b@x", "# a"]) {
      expect(recipient(text, "literal")).toBe(text);
      expect(sender(text, "literal")).toBe(text);
    }
    expect(() => recipient("a\nb", "literal")).toThrow("has the control byte 0x0a at position 1");
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

  test("has no outer blanks, comment lines and byte order mark", () => {
    const mark = "\xef\xbb\xbf";
    expect(list(`${mark}a@x \r\n# b@x\n \t# Joe <c@x>\n  \n\t<d@x>\n${mark}e@x`)).toEqual([
      ...["a@x", "d@x"],
      `${mark}e@x`,
    ]);
    expect(list(`${mark}# a@x\nb@x`)).toEqual(["b@x"]);
  });

  test("names the line that is not one address, and what to write", () => {
    expect(() => list("# 1\n\nc@x,d@x\n")).toThrow(
      "list, line 3: 'c@x,d@x' has a comma; write one address per line",
    );
    expect(() => list("b@x # Bob\n")).toThrow(
      "list, line 1: 'b@x # Bob' has a space; write one address per line",
    );
    expect(() => list("a@x\nBob <b@x>")).toThrow(
      "list, line 2: 'Bob <b@x>' is not a bare address; write only b@x",
    );
    expect(() => list("<>")).toThrow("list, line 1: '<>' is empty; write one address per line");
  });

  test("holds the bytes between line ends if it is literal", () => {
    const lines = ["\xef\xbb\xbfa@x ", "# b@x", "Bob <b@x>", " ", "c@x,d@x"];
    expect(list(`${lines.join("\n")}\r\n\n`, "literal")).toEqual(lines);
  });

  test.each(["", "\n", "\r\n\n", "# a@x\n", " \t\n", "\xef\xbb\xbf"])(
    "of nothing (%j) is refused",
    (text) => {
      expect(() => list(text)).toThrow("list contains no recipients; write one address per line");
    },
  );
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
