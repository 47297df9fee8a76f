import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { shell, stopAll } from "../../support/processes.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { composed, peakMemory, textOf } from "./compose-case.ts";
import { readMail, skipsMailReader, valuesOf } from "./mail-reader.ts";

afterEach(stopAll);

const noReader = skipsMailReader("composed texts, as a mail program shows them");

describe.skipIf(noReader)("the text of a composed message", () => {
  const text = "Grüße, 😀\nand more\n";

  test("is standard input, in UTF-8, after generated fields", async () => {
    const before = Date.now();
    const message = await composed(["--subject", "hello"], { input: text });
    const { mail, pkg } = message;
    expect(textOf(message)).toBe(text);
    expect(mail.parts[0]).toMatchObject({ type: "text/plain", charset: "utf-8", filename: null });
    expect(valuesOf(mail, "subject")).toEqual(["hello"]);
    expect(mail.addresses).toEqual({ from: [["", "a", "x.example"]], to: [["", "b", "y.example"]] });
    expect(valuesOf(mail, "message-id").join()).toMatch(/^<[^\s@<>]+@[^\s@<>]+>$/);
    expect(valuesOf(mail, "mime-version")).toEqual(["1.0"]);
    const [date, ...more] = valuesOf(mail, "date");
    expect(more).toEqual([]);
    expect(date).toMatch(/^[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/);
    expect(Date.parse(date as string)).toBeGreaterThan(before - 2_000);
    expect(Date.parse(date as string)).toBeLessThan(Date.now() + 2_000);
    expect(pkg).toMatchObject({ encoding: "\n", sender: "a@x.example", recipients: ["b@y.example"] });
  });

  test("may come from a file, or from --body, which gains a line end", async () => {
    const file = `${temporaryFolder()}/text`;
    writeFileSync(file, text);
    expect(textOf(await composed(["--subject", "s", "--file", file], { input: "not this" }))).toBe(text);
    expect(textOf(await composed(["--body", "Grüße"], { input: "not this" }))).toBe("Grüße\n");
    expect(textOf(await composed(["--body", "one\ntwo\n"]))).toBe("one\ntwo\n");
  });

  test.each<[string, string | Buffer, string]>([
    ["has lines of 5,000 characters", `${"x".repeat(5_000)}\n${"é".repeat(5_000)}\n`, ""],
    ["has a line of 5,000 ASCII characters", `${"word ".repeat(1_000)}\n`, ""],
    ["has one unterminated line of 5,000 characters", "=".repeat(5_000), ""],
    ["is Latin-1", Buffer.from("na\xefve caf\xe9\n", "latin1"), "naïve café\n"],
    ["holds NUL and control bytes", "a\0b\x01\x1b[31m\x7f\x08\n", ""],
    ["has lines of a single dot", ".\n..\n. \n.\n", ""],
    ["has lines that begin with From", "From me\n>From you\n\nFrom all\n", ""],
    ["has blanks at the ends of lines", "a \nb\t\n \n", ""],
    ["looks like header fields and boundaries", "Subject: no\n\n--\n----_NmP-1\n=3D=\n", ""],
    ["has no line end", "just so", ""],
    ["has only line ends", "\n\n\n", ""],
  ])("arrives unchanged if it %s", async (_name, input, expected) => {
    const message = await composed(["--subject", "s"], { input });
    // A text without a final line end is shown with one.
    expect(textOf(message).replace(/\n$/, "")).toBe((expected || String(input)).replace(/\n$/, ""));
  });

  test("may be empty", async () => {
    const { mail } = await composed(["--subject", "s"], { input: "" });
    expect(mail.type).toBe("text/plain");
    expect(
      Buffer.concat(mail.parts.map(({ content }) => content))
        .toString()
        .trim(),
    ).toBe("");
    expect(textOf(await composed(["--body", ""])).trim()).toBe("");
  });

  test("has uniform line ends if it came with CRLF, and CRLF on the wire for dos", async () => {
    expect(textOf(await composed(["--subject", "s"], { input: "one\r\ntwo\nthree\r\n" }))).toBe(
      "one\ntwo\nthree\n",
    );
    const dos = await composed(["--subject", "é", "--encoding", "dos"], { input: "one\ntwo ü\r\n" });
    expect(dos.pkg.encoding).toBe("\r");
    expect(dos.pkg.message.toString("latin1").replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
    expect(textOf(dos).replaceAll("\r\n", "\n")).toBe("one\ntwo ü\n");
  });

  test("arrives from df through a shell pipe", async () => {
    const server = await startReceivingServer();
    const sent = await shell(
      `df -h | "$QMTP" send -s ${server.endpoint} --subject "disk on $(hostname)" -f cron@example.org admin@example.org`,
    );
    expect(sent).toEqual({ code: 0, signal: null, stdout: "admin@example.org: success: ok\n", stderr: "" });
    const [pkg] = server.packages;
    const mail = readMail(pkg?.message as Buffer);
    const { stdout: name } = await shell("hostname");
    expect(valuesOf(mail, "subject")).toEqual([`disk on ${name.trim()}`]);
    expect(mail.parts.map(({ content }) => content.toString()).join()).toMatch(/^Filesystem .*\n\S+ /);
  });

  test("arrives whole if it is 20 MB, in bounded memory", async () => {
    const server = await startReceivingServer();
    const input = Buffer.from("0123456789 häuser und gärten 😀\n".repeat(500_000));
    const file = `${temporaryFolder()}/text`;
    writeFileSync(file, input);
    const args = ["send", "-s", server.endpoint, "-f", "a@x", "--subject", "s", "--file", file, "b@y"];
    expect(await peakMemory(args)).toBeLessThan(300 * 1024);
    const mail = readMail(server.packages[0]?.message as Buffer);
    expect(mail.parts[0]?.content.equals(input)).toBe(true);
  });

  test("becomes UTF-8 if it is 2 MB of Latin-1", async () => {
    const line = "na\xefve caf\xe9\n";
    const message = await composed(["--subject", "s"], {
      input: Buffer.from(line.repeat(200_000), "latin1"),
    });
    expect(message.mail.parts[0]?.charset).toBe("utf-8");
    expect(textOf(message) === line.repeat(200_000)).toBe(true);
  });

  test("arrives along with an attachment, whatever both contain", async () => {
    const file = `${temporaryFolder()}/bytes`;
    const lines = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 20 });
    const content = fc.uint8Array({ maxLength: 500 });
    const arrives = fc.asyncProperty(lines, content, async (some, bytes) => {
      // A carriage return would count as part of a line end.
      const input = `${some.join("\n").replace(/\r/g, "")}\n`;
      writeFileSync(file, bytes);
      const { mail } = await composed(["--attach", file], { input });
      expect(mail.parts.map((part) => part.content)).toEqual([Buffer.from(input), Buffer.from(bytes)]);
    });
    await fc.assert(arrives, { numRuns: 12, interruptAfterTimeLimit: 6_000 });
  });
});
