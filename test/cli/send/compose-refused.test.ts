import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** Expects one line on standard error, nothing on standard output, and no connection. */
async function expectRefused(args: readonly string[], code: number, words: string): Promise<void> {
  const server = await startReceivingServer();
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", ...args, "b@y"], { input: "hi\n" });
  expect({ ...sent, stderr: "" }).toEqual({ code, signal: null, stdout: "", stderr: "" });
  expect(sent.stderr).toMatch(/^qmtp: [^\n]+\n$/);
  expect(sent.stderr).toContain(words);
  expect(server.connections).toBe(0);
}

describe("a line break is refused", () => {
  const rows: ReadonlyArray<[string, string]> = [
    ["--subject", "one%two"],
    ["--subject", "one%Bcc: c@z"],
    ["--subject", "one%"],
    ["--header", "X-One: two%three"],
    ["--header", "X-One: two% folded"],
    ["--header", "X-One%: two"],
    ["--cc", "c@z%"],
    ["--cc", '"c%d" <c@z>'],
    ["--reply-to", "%c@z"],
  ];
  const breaks: ReadonlyArray<[string, string]> = [
    ["LF", "\n"],
    ["CR", "\r"],
    ["CRLF", "\r\n"],
  ];
  test.each(
    rows.flatMap(([option, value]) => breaks.map(([name, end]) => [option, value, name, end] as const)),
  )("in %s '%s' with %s for %%", (option, value, _name, end) =>
    expectRefused([option, value.replace("%", end)], 100, option),
  );
});

describe("exit code 100 is for", () => {
  test.each<[string, string[], string]>([
    ["Bcc", ["--header", "Bcc: c@z"], "name recipients with --bcc"],
    ["Resent-Bcc", ["--header", "resent-bcc : c@z"], "resent-bcc"],
    ["MIME-Version", ["--header", "MIME-Version: 1.0"], "MIME-Version"],
    ["Content-Type", ["--header", "content-type: text/html"], "content-type"],
    [
      "Content-Transfer-Encoding",
      ["--header", "Content-Transfer-Encoding: 8bit"],
      "Content-Transfer-Encoding",
    ],
    ["a field without a colon", ["--header", "X-One two"], "X-One two"],
    ["a field without a name", ["--header", ": two"], "--header"],
    ["a field name with a blank", ["--header", "X One: two"], "X One"],
    ["a field name that is not ASCII", ["--header", "Ä: two"], "--header"],
    ["two subjects", ["--subject", "s", "--header", "SUBJECT: t"], "--subject"],
    ["two Cc fields", ["--cc", "c@z", "--header", "Cc: d@z"], "--cc"],
    ["two Reply-To fields", ["--reply-to", "c@z", "--header", "Reply-To: d@z"], "--reply-to"],
    ["a field without a value", ["--header", "X-One: "], "'X-One: ' has no value"],
    [
      "a second field of a kind that may occur only once",
      ["--header", "From: c@z", "--header", "from: d@z"],
      "from is given twice",
    ],
    [
      "a word longer than a line",
      ["--header", `X-One: ${"x".repeat(998)}`],
      "a word that is too long for a line",
    ],
    ["a subject that is not UTF-8", ["--subject", "\ufffd"], "--subject is not valid UTF-8"],
    ["a text that is not UTF-8", ["--body", "\ufffd"], "--body is not valid UTF-8"],
    [
      "no address in --cc, and no other recipient",
      ["--cc", "(nobody)", "--to-file", "/dev/null"],
      "/dev/null contains no rec",
    ],
    ["--raw", ["--raw", "--subject", "s"], "--raw"],
    ["--read-recipients", ["-t", "--body", "s"], "--read-recipients"],
    ["--body and --file", ["--body", "s", "--file", "/dev/null"], "--file"],
    ["--test and --file", ["--test", "--file", "/dev/null"], "--file"],
    ["an unclosed quote in --cc", ["--cc", '"c@z'], "--cc"],
    ["an unclosed angle bracket in --cc", ["--cc", "C <c@z"], "--cc"],
    ["words in --cc that are not an address", ["--cc", "John Doe"], "John Doe"],
    ["two addresses in --cc without a comma", ["--cc", "c@z d@z"], "--cc"],
    ["an unclosed quote in --bcc", ["--body", "s", "--bcc", '"c@z'], "--bcc"],
    ["a line break in --bcc", ["--body", "s", "--bcc", "c@z\n"], "--bcc has a line break"],
    ["an attachment with an empty name", ["--attach", "/dev/null;name="], "has an empty name"],
    ["an attachment with a line break in its name", ["--attach", "/dev/null;name=a\nb"], "control character"],
    ["an attachment with a type that is none", ["--attach", "/dev/null;type=csv"], "the type 'csv'"],
    ["an attachment as a message", ["--attach", "/dev/null;type=message/rfc822"], "message/rfc822"],
    [
      "an attachment with an unknown parameter",
      ["--attach", "/dev/null;nme=x"],
      "cannot read /dev/null;nme=x: no such file",
    ],
    ["a control character in --reply-to", ["--reply-to", "c\u0001@z"], "--reply-to"],
  ])("%s", (_name, args, words) => expectRefused(args, 100, words));
});

describe("exit code 100 is for files of a composed message that are not there", () => {
  test.each(["--attach", "--html"])("a missing file, or a directory, as %s", async (option) => {
    const folder = temporaryFolder();
    await expectRefused([option, `${folder}/none`], 100, `cannot read ${folder}/none: no such file`);
    await expectRefused([option, folder], 100, `cannot read ${folder}: it is a directory`);
  });

  test("the second of two attachments", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/one`, "1");
    await expectRefused(["--attach", `${folder}/one`, "--attach", `${folder}/two`], 100, `${folder}/two`);
  });
});

test("exit code 111 is for an attachment that may be readable later", async () => {
  await expectRefused(["--attach", `/${"x".repeat(300)}`], 111, "the name is too long");
});

describe("an address that is too long for a line is refused", () => {
  const long = "x".repeat(998);
  const umlauts = "ü".repeat(500);

  test.each<[string, string[], string]>([
    ["a recipient, which To would hold", ["--body", "b", `${long}@y`], "recipient 'xxx"],
    ["a recipient, by its bytes", ["--body", "b", `${umlauts}@y`], "recipient 'üüü"],
    ["a sender, which From would hold", ["--body", "b", "-f", `${long}@y`], "sender 'xxx"],
    ["--cc", ["--body", "b", "--cc", `${long}@y`], "--cc has a word that is too long for a line"],
    ["--cc, by its bytes", ["--body", "b", "--cc", `${umlauts}@y`], "--cc has an address that is too long"],
    ["--reply-to, by its bytes", ["--body", "b", "--reply-to", `${umlauts}@y`], "--reply-to has an address"],
  ])("%s", (_name, args, words) => expectRefused(args, 100, words));

  test("unless the field is given, or is not made", async () => {
    const server = await startReceivingServer();
    const compose = ["--body", "b", "--header", "To: list:;", "--bcc", `c${long}@y`];
    const sent = await qmtp(["send", "-q", "-s", server.endpoint, "-f", "a@x", ...compose, `b${long}@y`]);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(server.packages[0]?.recipients).toEqual([`b${long}@y`, `c${long}@y`]);
  });
});
