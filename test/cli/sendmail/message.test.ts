import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { arrived, COMPLETE, refused } from "../../support/sendmail.ts";

const DATE = /^Date: \w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/;
const MESSAGE_ID = new RegExp(`^Message-ID: <[\\w-]+@${hostname().replaceAll(".", "\\.")}>$`);

const messageOf = async (message: string, ...args: string[]) =>
  (await arrived(["-f", "a@x", ...args, "b@y"], { message })).message.toString("latin1");

describe("missing parts are added at the top", () => {
  test.each([
    ["all fields", "Subject: s\n\nhi\n", "Subject: s\n\nhi\n"],
    ["a header, before text", "hello\nBcc: world\n", "\nhello\nBcc: world\n"],
    ["a header, to an empty message", "", "\n"],
    ["the empty line, before text", "Subject: s\nhello\n", "Subject: s\n\nhello\n"],
    ["the empty line, at the end", "Subject: s\n", "Subject: s\n\n"],
    ["the last line's end", "Subject: s", "Subject: s\n\n"],
    ["fields before an empty line", "\nhello\n", "\nhello\n"],
  ])("%s", async (_what, message, expected) => {
    const [date, id, from, ...rest] = (await messageOf(message)).split("\n");
    expect(date).toMatch(DATE);
    expect(id).toMatch(MESSAGE_ID);
    expect([from, rest.join("\n")]).toEqual(["From: a@x", expected]);
  });

  test("with a new Message-ID each time", async () => {
    const ids = await Promise.all(["a", "b"].map(async (text) => (await messageOf(text)).split("\n")[1]));
    expect(ids[0]).not.toBe(ids[1]);
  });

  test.each([
    ["Date", MESSAGE_ID, /^From: a@x$/],
    ["Message-ID", DATE, /^From: a@x$/],
    ["From", DATE, MESSAGE_ID],
    ["fRoM", DATE, MESSAGE_ID],
  ])("but not a second %s", async (name, ...added) => {
    const lines = (await messageOf(`${name}: it\n\nhi\n`)).split("\n");
    expect(lines.slice(2)).toEqual([`${name}: it`, "", "hi", ""]);
    for (const [index, pattern] of added.entries()) expect(lines[index]).toMatch(pattern);
  });

  test.each([
    ["a name", "Cron Daemon", "Cron Daemon <a@x>"],
    ["a name with a comma", "Doe, Joe", '"Doe, Joe" <a@x>'],
    ["a name with quotes", 'Joe "J" Doe', '"Joe \\"J\\" Doe" <a@x>'],
    ["a name that is not ASCII", "Jörg", "=?UTF-8?Q?J=C3=B6rg?= <a@x>"],
    ["no name", "", "a@x"],
  ])("From with %s, given by -F", async (_what, name, from) => {
    expect((await messageOf("hi\n", "-F", name)).split("\n")[2]).toBe(`From: ${from}`);
  });

  test("From for the null sender, and for one that needs quotes", async () => {
    const fromOf = async (sender: string) =>
      (await arrived(["-f", sender, "b@y"], { message: "hi\n" })).message.toString().split("\n")[2];
    expect(await fromOf("<>")).toBe(`From: MAILER-DAEMON@${hostname()}`);
    expect(await fromOf('"joe doe"@x')).toBe('From: "joe doe"@x');
  });

  test("but a name with a line break is refused", async () => {
    expect(await refused(["-F", "a\nBcc: c@y", "b@y"], { message: "hi\n" })).toEqual([
      64,
      "-F has a line break; remove it",
    ]);
  });
});

describe("fields that recipients must not see are removed", () => {
  const odd = "X-A: \xff\xfe\x01 \r a\n\tb\nReceived:\n (x)\n";

  test.each([["without -t"], ["with -t", "-t"]])("%s", async (_what, ...args) => {
    const head = COMPLETE.replace("\n\nhi\n", "\nTo: c@y\n");
    const message = `Bcc: d@y\n${head}${odd}BCC : e@y,\n f@y\nResent-Bcc: g@y\n${odd}bcc:h@y\n\nhi\nBcc: i@y\n`;
    const { message: sent } = await arrived([...args, "b@y"], { message });
    expect(sent.toString("latin1")).toBe(`${head}${odd}${odd}\nhi\nBcc: i@y\n`);
  });

  test("and so is the From line of an mbox", async () => {
    expect(await messageOf(`From joe Tue Nov 24 10:00:00 2026\n${COMPLETE}`)).toBe(COMPLETE);
  });
});

test("line ends become those of the encoding, and the rest is unchanged", async () => {
  const body = "\x00\xff\x80 a\rb\n\n.. \n";
  expect(await messageOf((COMPLETE + body).replaceAll("\n", "\r\n"))).toBe(COMPLETE + body);
});

describe("a dot", () => {
  test.each([
    ["ends the message if alone on a line", "a\n.\nb\n", [], "a\n"],
    ["ends the message if followed by CRLF, too", "a\r\n.\r\nb\r\n", [], "a\n"],
    ["ends the message if it is the last byte", "a\n.", [], "a\n"],
    ["ends the header, too", ".\nb\n", [], ""],
    ["is kept if it only begins a line", "..\n.a\n", [], "..\n.a\n"],
    ["is kept with -i", "a\n.\nb\n", ["-i"], "a\n.\nb\n"],
    ["is kept with -oi", "a\n.\nb\n", ["-oi"], "a\n.\nb\n"],
  ])("%s", async (_what, body, args, expected) => {
    expect(await messageOf(COMPLETE + body, ...args)).toBe(COMPLETE + expected);
  });
});
