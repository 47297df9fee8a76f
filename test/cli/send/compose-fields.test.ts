import { afterEach, describe, expect, test } from "vitest";
import { stopAll } from "../../support/processes.ts";
import { composed } from "./compose-case.ts";
import { skipsMailReader, valuesOf } from "./mail-reader.ts";

afterEach(stopAll);

const noReader = skipsMailReader("what a mail program shows of composed fields");
const BODY = ["--body", "b"];

describe.skipIf(noReader)("Cc and Reply-To", () => {
  test("take names in any script, groups and quoted local parts", async () => {
    const cc = 'Zoë Überall <zoe@example.org>, "Doe, J." <j@example.org>, "a b"@example.org';
    const { mail, pkg } = await composed([
      ...[...BODY, "--cc", cc, "--cc", "Freunde: 山田 <y@example.org>, w@example.org;"],
      ...["--reply-to", "Ответ <answers@example.org>"],
    ]);
    expect(mail.addresses.cc).toEqual([
      ["Zoë Überall", "zoe", "example.org"],
      ["Doe, J.", "j", "example.org"],
      ["", "a b", "example.org"],
      ["山田", "y", "example.org"],
      ["", "w", "example.org"],
    ]);
    expect(mail.addresses["reply-to"]).toEqual([["Ответ", "answers", "example.org"]]);
    // Those in Cc follow as recipients, as bare addresses; those in Reply-To do not.
    expect(pkg.recipients).toEqual([
      "b@y.example",
      ...["zoe@example.org", "j@example.org", "a b@example.org", "y@example.org", "w@example.org"],
    ]);
  });

  test("those of --bcc are recipients, but are not named in the message", async () => {
    const args = ["--cc", "c@example.org", "--bcc", "Dora <d@example.org>, c@Example.org", "--bcc", "e@z"];
    const { mail, pkg } = await composed([...BODY, ...args]);
    expect(pkg.recipients).toEqual(["b@y.example", "c@example.org", "d@example.org", "e@z"]);
    expect(Object.keys(mail.addresses)).toEqual(["from", "to", "cc"]);
    expect(pkg.message.toString()).not.toMatch(/bcc|dora|d@example|e@z/i);
  });

  test("To lists the recipients of the command line, quoted as needed", async () => {
    const { mail, pkg } = await composed([
      ...BODY,
      "--literal",
      "--to",
      "a b@example.org",
      "--to",
      "c@example.org",
    ]);
    expect(pkg.recipients).toEqual(["a b@example.org", "c@example.org", "b@y.example"]);
    expect(mail.addresses.to).toEqual([
      ["", "a b", "example.org"],
      ["", "c", "example.org"],
      ["", "b", "y.example"],
    ]);
  });

  test("To is folded if it is long", async () => {
    const many = Array.from({ length: 200 }, (_, index) => `user${index}@example.org`);
    const { mail } = await composed([...BODY, ...many]);
    expect(mail.addresses.to?.length).toBe(201);
  });

  test("the null sender stays null in the envelope, and From is MAILER-DAEMON at this host", async () => {
    const { mail, pkg } = await composed([...BODY, "-f", "<>"]);
    expect(pkg.sender).toBe("");
    expect(mail.addresses.from?.map(([, local]) => local)).toEqual(["MAILER-DAEMON"]);
  });
});

describe.skipIf(noReader)("--header", () => {
  test.each([
    ["From", "Jürgen <other@example.org>"],
    ["To", "Everybody <all@example.org>"],
    ["Subject", "Über alles 😀"],
    ["Date", "Mon, 01 Jan 2024 00:00:00 +0000"],
    ["Message-ID", "<mine@example.org>"],
    ["Reply-To", "Zoë <z@example.org>"],
    ["subject", "in lower case"],
  ])("replaces our %s field", async (name, value) => {
    const { mail, pkg } = await composed([...BODY, "--header", `${name}: ${value}`]);
    expect(valuesOf(mail, name)).toEqual([value]);
    expect(pkg).toMatchObject({ sender: "a@x.example", recipients: ["b@y.example"] });
  });

  test("adds fields, even the same name twice, and long or non-ASCII values", async () => {
    const long = "word ".repeat(400).trim();
    const umlauts = "äöü ".repeat(100).trim();
    const { mail } = await composed([
      ...[...BODY, "--header", "X-One: first", "--header", "x-one:second"],
      ...["--header", `X-Long: ${long}`, "--header", `X-Umlauts: ${umlauts}`],
    ]);
    expect(valuesOf(mail, "X-One")).toEqual(["first", "second"]);
    expect(valuesOf(mail, "X-Long")).toEqual([long]);
    expect(valuesOf(mail, "X-Umlauts")).toEqual([umlauts]);
  });
});

test.skipIf(noReader)("a long subject in any script survives unchanged", async () => {
  for (const subject of ["😀".repeat(200), `x${"é".repeat(300)}`, "a ".repeat(600).trim()]) {
    const { mail } = await composed([...BODY, "--subject", subject]);
    expect(valuesOf(mail, "subject")).toEqual([subject]);
  }
});
