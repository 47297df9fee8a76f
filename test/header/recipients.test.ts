import { describe, expect, test } from "vitest";
import { usageError } from "../../src/errors.ts";
import { splitHeader } from "../../src/header/header.ts";
import { mailboxesIn, recipientsInHeader } from "../../src/header/recipients.ts";

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}

/** The recipients in a header, one character per byte. */
async function recipientsOf(lines: string): Promise<string[]> {
  const { header } = await splitHeader(once(Buffer.from(`${lines}\n\nbody`, "latin1")));
  return (await recipientsInHeader(header)).map((address) => address.toString("latin1"));
}

describe("the recipients in a header", () => {
  test.each([
    ["are those of To, Cc and Bcc, in order", "Bcc: c@x\nTo: a@x\nSubject: s@x\nCC: b@x", "c@x a@x b@x"],
    ["may be in several fields of a name", "To: a@x\nTo: b@x\nCc:\nCc: c@x", "a@x b@x c@x"],
    ["are those of no other field", "From: a@x\nReply-To: b@x\nX-To: c@x\nTo: d@x", "d@x"],
    ["have names", 'To: Joe <a@x>, "Doe, Ann" <b@x>, J. R. R. <c@x>, <d@x>', "a@x b@x c@x d@x"],
    ["have encoded names", "To: =?utf-8?q?D=C3=B6?= <a@x>, =?utf-8?b?w7Y=?= <b@x>", "a@x b@x"],
    ["have names that look like addresses", 'To: a@x <b@x>, "c@x, d@x" <e@x>', "b@x e@x"],
    ["may be in folded lines", "To: a@x,\n Joe\n\t<b@x>,\r\n c@x", "a@x b@x c@x"],
    ["have comments", "To: a@x (Joe, b@x), (c@x (d@x)) e@x, Joe (a \\) f@x) <g@x>", "a@x e@x g@x"],
    ["have comments within", "To: Pete <pete(his account)@silly.test(his host)>", "pete@silly.test"],
    ["may be in groups", "To: Friends: a@x, Joe <b@x>;, c@x\nCc: undisclosed-recipients:;", "a@x b@x c@x"],
    ["may be in an unterminated group", "To: Friends: a@x, b@x", "a@x b@x"],
    ["have routes", "To: <@relay.example,@other.example:a@x>", "a@x"],
    [
      "have domain literals",
      "To: a@[192.0.2.1], Joe <b@[IPv6:2001:db8::1]>",
      "a@[192.0.2.1] b@[IPv6:2001:db8::1]",
    ],
    ["may be local names", "To: root, Joe <a@x>\nCc: postmaster", "root a@x postmaster"],
    ["may have blanks around them", "To:   a@x  ,\t<  b@x  > , , c @ x", "a@x b@x c@x"],
    ["may be missing", "To:\nCc: (nobody), ,;\nBcc: <>", ""],
  ])("%s", async (_what, lines, expected) => {
    expect(await recipientsOf(lines)).toEqual(expected === "" ? [] : expected.split(" "));
  });

  test.each([
    ["with a space", '"joe doe"@x', "joe doe@x"],
    ["with an at sign", '<"a@b"@c>', "a@b@c"],
    ["with specials", '"a,b;c<d>"@x', "a,b;c<d>@x"],
    ["with escapes", '"a\\"b\\\\c"@x', 'a"b\\c@x'],
    ["without need", '"joe"@x', "joe@x"],
  ])("have no quotes: a local part %s", async (_what, field, expected) => {
    expect(await recipientsOf(`To: ${field}`)).toEqual([expected]);
  });

  test("are the bytes of the header, in UTF-8 or not", async () => {
    const utf8 = Buffer.from("jürgen@exämple.org").toString("latin1");
    expect(await recipientsOf(`To: ${utf8}, a@x\nCc: j\xfcrgen@x, \x93Joe\x94 <b@x>`)).toEqual([
      utf8,
      "a@x",
      "j\xfcrgen@x",
      "b@x",
    ]);
  });

  test("are found among 100,000", async () => {
    const list = Array.from({ length: 100_000 }, (_, index) => `User ${index} <u${index}@x>`);
    const found = await recipientsOf(`To: ${list.join(",\n ")}`);
    expect([found.length, found[0], found.at(-1)]).toEqual([100_000, "u0@x", "u99999@x"]);
  });
});

describe("in a resent message", () => {
  test.each([
    ["those of the Resent- fields count", "Resent-To: a@x\nTo: b@x\nCc: c@x", "a@x"],
    [
      "all of the block count",
      "Resent-Cc: a@x\nResent-Bcc: b@x\nResent-From: f@x\nResent-To: c@x\nTo: d@x",
      "a@x b@x c@x",
    ],
    ["the first block counts", "Resent-To: a@x\nResent-Date: d\nReceived: r\nResent-To: b@x\nTo: c@x", "a@x"],
    ["blocks may be adjacent", "Resent-From: e@x\nResent-To: a@x\nResent-From: f@x\nResent-Cc: b@x", "a@x"],
    ["a block may follow other fields", "Received: r\nTo: c@x\nResent-To: a@x", "a@x"],
    ["no others count, even if the block names none", "Resent-From: f@x\nTo: a@x", ""],
  ])("%s", async (_what, lines, expected) => {
    expect(await recipientsOf(lines)).toEqual(expected === "" ? [] : expected.split(" "));
  });
});

describe("an ambiguous recipient is refused", () => {
  const SEVERAL = "which is more than one address; put commas between them";
  const NONE = "which is not an address";
  const OPEN = "which is not closed";

  test.each([
    ["a@x b@x", SEVERAL],
    ["<a@x> <b@x>", SEVERAL],
    ["<a@x>b@x", SEVERAL],
    ["Joe <a@x> Doe", SEVERAL],
    ["a@x>", SEVERAL],
    ["a@b@c", SEVERAL],
    ["x(y)z@x", NONE],
    ["joe a@x", NONE],
    ["Joe Doe", NONE],
    ["@x", NONE],
    ["a@", NONE],
    ["<a@b@c>", NONE],
    ['"Joe <a@x>', OPEN],
    ["Joe (a@x", OPEN],
    ["<a@x, b@x", OPEN],
  ])("in %j", async (field, why) => {
    await expect(recipientsOf(`Cc: c@x\nTo: d@x, ${field}`)).rejects.toMatchObject({
      code: "bad-header",
      message: `the message's To has '${field.replace(/\(.*?(\)|$)/, " ").trim()}', ${why}`,
    });
  });

  test.each(["a\x00b@x", "a@x\x7f", "\x1b[31ma@x", "a@x\x0b"])(
    "with the control character in %j",
    async (field) => {
      await expect(recipientsOf(`To: ${field}`)).rejects.toMatchObject({
        code: "bad-header",
        message: expect.stringContaining("which contains a control character"),
      });
    },
  );
});

test("mailboxes have names, and errors name the list", async () => {
  expect(await mailboxesIn('Jörg <a@x>, "b c"@x, root', "--cc", usageError)).toEqual([
    { name: "Jörg", address: "a@x" },
    { name: "", address: '"b c"@x' },
    { name: "", address: "root" },
  ]);
  await expect(mailboxesIn("a b", "--cc", usageError)).rejects.toMatchObject({
    code: "usage",
    message: "--cc has 'a b', which is not an address",
  });
});

test("an error quotes only the first 200 characters of a long list", async () => {
  const list = `${"a".repeat(150)} ${"b".repeat(150)}`;
  await expect(mailboxesIn(list, "--cc", usageError)).rejects.toMatchObject({
    message: `--cc has '${"a".repeat(150)} ${"b".repeat(49)}', which is not an address`,
  });
});
