import { describe, expect, test } from "vitest";
import { typedAddress } from "../../src/envelope/typed-address.ts";

const read = (text: string) => {
  const origin = { what: "recipient", single: "write one address" };
  return typedAddress(Buffer.from(text, "latin1"), origin).toString("latin1");
};

describe("an address as people write it", () => {
  test.each([
    ["with blanks around it", " \tb@x  ", "b@x"],
    ["in angle brackets", "<b@x>", "b@x"],
    ["in angle brackets, with blanks", " < b@x > ", "b@x"],
    ["with a comma in quotes", '"b, c"@x', '"b, c"@x'],
    ["with brackets and a semicolon in quotes", '"b<c>;"@x', '"b<c>;"@x'],
    ["with an escaped quote in quotes", '"b\\", c"@x', '"b\\", c"@x'],
    ["with quotes in brackets", '<"b, c"@x>', '"b, c"@x'],
    ["with a quote that is not closed", 'b"@x', 'b"@x'],
    ["with bytes that are not UTF-8", " j\xfcrgen@x", "j\xfcrgen@x"],
    ["without a domain", "root", "root"],
    ["that qmail uses for bounces", "#@[]", "#@[]"],
    ["of nothing", "  ", ""],
  ])("may be one %s", (_what, text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    ["b@x, c@x", "has a comma; write one address"],
    ["b@x,c@x", "has a comma; write one address"],
    ['"b@x","c@x"', "has a comma; write one address"],
    ["<b@x>,<c@x>", "has a comma; write one address"],
    ["<b@x,c@x>", "has a comma; write one address"],
    ['"b@x,c@x', "has a comma; write one address"],
    ["b@x;c@x", "has a semicolon; write one address"],
    ["b@x c@x", "has a space; write one address"],
    ["joe doe@x", "has a space; write one address"],
    ["<joe doe@x>", "has a space; write one address"],
    ["Bob <b@x>", "is not a bare address; write only b@x"],
    ['"Doe, Bob" <b@x>', "is not a bare address; write only b@x"],
    ["<b@x> <c@x>", "is not a bare address; write only the address"],
    ["<<b@x>>", "is not a bare address; write only the address"],
    ["b@x>", "is not a bare address; write only the address"],
  ])("is refused if it is %s", (text, why) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: `recipient '${text}' ${why}`,
        hint: { kind: "literal-address" },
      }),
    );
  });

  test("has no control bytes within", () => {
    expect(() => read("b\t@x")).toThrow("recipient 'b\t@x' has the control byte 0x09 at position 1");
  });
});
