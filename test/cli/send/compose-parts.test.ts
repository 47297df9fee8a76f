import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { environment, finished, LAUNCHER, startGroup, stopAll } from "../../support/processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { composed, peakMemory, textOf } from "./compose-case.ts";
import { base64PartOf, readMail, skipsMailReader, valuesOf } from "./mail-reader.ts";

afterEach(stopAll);

const noReader = skipsMailReader("composed attachments, as a mail program shows them");

const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const pdf = Buffer.concat([
  Buffer.from("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n", "latin1"),
  Buffer.from("2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n3 0 obj\n<</Length 256>>stream\n"),
  every,
  Buffer.from("\nendstream\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"),
]);

describe.skipIf(noReader)("attachments", () => {
  test("may have any bytes and any name, and take their type from the name", async () => {
    const folder = temporaryFolder();
    const file = `${folder}/Bericht 😀 für "März".pdf`;
    writeFileSync(file, pdf);
    const { mail } = await composed(["--subject", "Disk 😀 voll", "--attach", file], { input: "see\n" });
    expect(mail.type).toBe("multipart/mixed");
    expect(valuesOf(mail, "subject")).toEqual(["Disk 😀 voll"]);
    expect(mail.parts).toEqual([
      expect.objectContaining({ type: "text/plain", content: Buffer.from("see\n") }),
      {
        type: "application/pdf",
        charset: null,
        disposition: "attachment",
        filename: 'Bericht 😀 für "März".pdf',
        content: pdf,
      },
    ]);
  });

  test("may be given another name and type, as in curl's forms", async () => {
    const folder = temporaryFolder();
    for (const name of ["one", "two; old", "three;name=x"]) writeFileSync(`${folder}/${name}`, name);
    const { mail } = await composed([
      ...["--body", "see", "--attach", `${folder}/one;type=text/csv;name=März.csv`],
      ...["--attach", `${folder}/two; old;name="a;\\"b\\".txt"; type="text/csv; header=present"`],
      ...["--attach", `"${folder}/three;name=x";name=message.eml;type=application/x-mail`],
      ...["--attach", `${folder}/two; old`],
    ]);
    expect(mail.parts.slice(1).map(({ type, filename, content }) => [type, filename, `${content}`])).toEqual([
      ["text/csv", "März.csv", "one"],
      ["text/csv", 'a;"b".txt', "two; old"],
      ["application/x-mail", "message.eml", "three;name=x"],
      ["application/octet-stream", "two; old", "two; old"],
    ]);
  });

  test("may come from standard input, which is then not the text", async () => {
    const named = await composed(["--attach", "-;name=data.csv"], { input: every });
    expect(named.mail.parts).toEqual([
      expect.objectContaining({ type: "text/csv", filename: "data.csv", content: every }),
    ]);
    const unnamed = await composed(["--body", "see", "--attach", "-"], { input: every });
    expect(unnamed.mail.parts.map(({ filename }) => filename)).toEqual([null, "attachment"]);
    expect(unnamed.mail.parts[1]?.content).toEqual(every);
  });

  test("may be many, even with the same name, and keep their order", async () => {
    const folder = temporaryFolder();
    mkdirSync(`${folder}/a`);
    mkdirSync(`${folder}/b`);
    const rows: ReadonlyArray<[string, string | Buffer]> = [
      ["a/x.bin", every],
      ["b/x.bin", "other"],
      ["empty.txt", ""],
      ["dos.txt", "one\r\ntwo\rthree\n"],
      [`${"long".repeat(50)}.dat`, "x"],
    ];
    for (const [name, content] of rows) writeFileSync(`${folder}/${name}`, content);
    const args = rows.flatMap(([name]) => ["--attach", `${folder}/${name}`]);
    const { mail } = await composed(["--body", "here", ...args]);
    expect(mail.parts.slice(1).map(({ filename, content }) => [filename, content])).toEqual(
      rows.map(([name, content]) => [name.replace(/^.*\//, ""), Buffer.from(content as string)]),
    );
  });

  test("may come from a named pipe, and need no text", async () => {
    const server = await startReceivingServer();
    const command = `"$QMTP" send -s ${server.endpoint} -f a@x --attach <(printf 'from a pipe') b@y < /dev/null`;
    const child = startGroup("bash", ["-c", command], {
      env: environment({ QMTP: LAUNCHER }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(await finished(child)).toMatchObject({ code: 0, stdout: "b@y: success: ok\n", stderr: "" });
    const mail = readMail(server.packages[0]?.message as Buffer);
    const attached = mail.parts.filter(({ disposition }) => disposition === "attachment");
    expect(attached.map(({ content }) => content.toString())).toEqual(["from a pipe"]);
  });

  test("of 30 MB arrive whole, in bounded memory", async () => {
    const server = await startReceivingServer();
    const file = `${temporaryFolder()}/large`;
    const content = Buffer.alloc(30_000_000, every.subarray(1));
    writeFileSync(file, content);
    const args = ["send", "-s", server.endpoint, "-f", "a@x", "--body", "b", "--attach", file, "b@y"];
    expect(await peakMemory(args)).toBeLessThan(200 * 1024);
    const { message } = server.packages[0] as ReceivedPackage;
    expect(base64PartOf(message).equals(content)).toBe(true);
  });
});

describe.skipIf(noReader)("HTML", () => {
  const html = "<p>Grüße 😀</p>\n";
  const written = () => {
    const file = `${temporaryFolder()}/page.html`;
    writeFileSync(file, html);
    return file;
  };

  test("is an alternative to the text, and follows it", async () => {
    const { mail } = await composed(["--html", written()], { input: "Grüße\n" });
    expect(mail.type).toBe("multipart/alternative");
    expect(mail.parts.map(({ type, charset, content }) => [type, charset, content.toString()])).toEqual([
      ["text/plain", "utf-8", "Grüße\n"],
      ["text/html", "utf-8", html],
    ]);
  });

  test.each<[string, string[], string]>([
    ["empty input", [], ""],
    ["an empty --body", ["--body", ""], "not this"],
    ["an empty file", ["--file", "/dev/null"], "not this"],
  ])("is the message if the text is %s", async (_what, args, input) => {
    const { mail } = await composed(["--html", written(), ...args], { input });
    expect(mail.type).toBe("text/html");
    expect(mail.parts.map(({ content }) => content.toString())).toEqual([html]);
  });

  test("may come from standard input, without a text or beside one", async () => {
    const alone = await composed(["--html", "-"], { input: html });
    expect(alone.mail.parts.map(({ type, content }) => [type, `${content}`])).toEqual([["text/html", html]]);
    const { mail } = await composed(["--html", "-", "--body", "text"], { input: html });
    expect(mail.parts.map(({ type }) => type)).toEqual(["text/plain", "text/html"]);
  });

  test("may accompany an attachment, too", async () => {
    const file = `${temporaryFolder()}/x.bin`;
    writeFileSync(file, every);
    const { mail } = await composed([
      "--html",
      written(),
      "--body",
      "b",
      "--attach",
      file,
      "--encoding",
      "dos",
    ]);
    expect(mail.type).toBe("multipart/mixed");
    expect(mail.parts.map(({ type }) => type)).toEqual([
      "text/plain",
      "text/html",
      "application/octet-stream",
    ]);
    expect(mail.parts[2]?.content).toEqual(every);
  });
});

test.skipIf(noReader)("an attached message also arrives byte for byte", async () => {
  const file = `${temporaryFolder()}/x.eml`;
  const bytes = Buffer.from("Subject: x\r\n\r\na\rb\n\xff\r\n", "latin1");
  writeFileSync(file, bytes);
  const { mail } = await composed(["--body", "b", "--attach", file]);
  expect(mail.parts[1]).toMatchObject({ type: "application/octet-stream", content: bytes });
});

describe.skipIf(noReader)("the test message", () => {
  test("needs nothing but --test", async () => {
    const message = await composed(["--test"], { input: "not this" });
    const [subject] = valuesOf(message.mail, "subject");
    const [date] = valuesOf(message.mail, "date");
    expect(subject).toContain(hostname());
    expect(subject).toContain(date);
    expect(valuesOf(message.mail, "message-id").length).toBe(1);
    const version = await finished(startGroup(process.execPath, [LAUNCHER, "--version"], { stdio: "pipe" }));
    expect(textOf(message)).toContain(version.stdout.trim());
  });

  test("may have a subject and a text of its own", async () => {
    const message = await composed(["--test", "--subject", "mine"]);
    expect(valuesOf(message.mail, "subject")).toEqual(["mine"]);
    expect(textOf(message)).toContain(hostname());
    const other = await composed(["--test", "--body", "my text"]);
    expect(valuesOf(other.mail, "subject")[0]).toContain(hostname());
    expect(textOf(other)).toBe("my text\n");
  });
});
