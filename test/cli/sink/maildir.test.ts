import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exchange } from "../../support/exchange.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

const stored = (maildir: string) =>
  readdirSync(`${maildir}/new`)
    .map((name) => readFileSync(`${maildir}/new/${name}`, "latin1"))
    .sort();

describe("--maildir", () => {
  test("creates the maildir, with one file per accepted recipient, headed by its envelope", async () => {
    const maildir = `${temporaryFolder()}/mail`;
    const sink = await startSink(["--maildir", maildir, "--reject", "^no@", "--defer", "^later@"]);
    const recipients = ["b@y", "no@y", "c@y", "later@y", "b@y"];
    await exchange(sink.endpoint, wirePackage({ message: "Subject: x\n\nhi", recipients }));
    const file = (recipient: string) => `Return-Path: <a@x>\nDelivered-To: ${recipient}\nSubject: x\n\nhi`;
    expect(stored(maildir)).toEqual([file("b@y"), file("b@y"), file("c@y")]);
    expect(readdirSync(`${maildir}/tmp`)).toEqual([]);
    expect(readdirSync(maildir).sort()).toEqual(["cur", "new", "tmp"]);
    expect(statSync(`${maildir}/new`).mode & 0o777).toBe(0o700);
  });

  const rows: ReadonlyArray<[string, Parameters<typeof wirePackage>[0], string]> = [
    ["the null sender", { message: "x\n", sender: "" }, "Return-Path: <>\nDelivered-To: b@y\nx\n"],
    ["an empty message", { message: "" }, "Return-Path: <a@x>\nDelivered-To: b@y\n"],
    [
      "CRLF in the dos encoding as LF, and any other CR unchanged",
      { message: "one\r\n\rtwo\r\r\nthree\r", encoding: "\r" },
      "Return-Path: <a@x>\nDelivered-To: b@y\none\n\rtwo\r\nthree\r",
    ],
    [
      "CRLF in the unix encoding unchanged: the CR is data there",
      { message: "one\r\n" },
      "Return-Path: <a@x>\nDelivered-To: b@y\none\r\n",
    ],
    [
      "any byte, NUL included",
      {
        message: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        sender: Buffer.from([0xff, 0x40]),
        recipients: [Buffer.from([0xfe, 0x40])],
      },
      `Return-Path: <\xff@>\nDelivered-To: \xfe@\n${String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))}`,
    ],
  ];
  test.each(rows)("stores %s", async (_name, pkg, file) => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir]);
    expect(await exchange(sink.endpoint, wirePackage(pkg))).toMatch(/^19:Kok \d{10} qp 1,$/);
    expect(stored(maildir)).toEqual([file]);
  });

  test("answers packages that arrive together in their order, and those before a violation", async () => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir, "--reject", "^no@"]);
    const packages = Array.from({ length: 150 }, (_, number) =>
      wirePackage({ message: `${number}`, recipients: number % 10 === 9 ? ["no@y", "b@y"] : ["b@y"] }),
    );
    const answers = await exchange(sink.endpoint, Buffer.concat([...packages, Buffer.from("1:x")]));
    expect(answers.match(/qp \d+/g)).toEqual(packages.map((_, number) => `qp ${number + 1}`));
    const statuses = packages.map((_, number) => (number % 10 === 9 ? "DK" : "K"));
    expect(answers.match(/(?<=(?:^|,)\d+:)[KD]/g)?.join("")).toBe(statuses.join(""));
    const messages = stored(maildir).map((text) => Number(text.split("\n").at(-1)));
    expect(messages.toSorted((a, b) => a - b)).toEqual([...packages.keys()]);
  });

  test("stores all of a message too large for memory", async () => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir]);
    const message = Buffer.alloc(3_000_000, "0123456789\n");
    const sent = await qmtp(["send", "-s", sink.endpoint, "-f", "a@x", "b@y", "c@y"], { input: message });
    expect(sent.code).toBe(0);
    const files = stored(maildir);
    const [text, heads] = [message.toString("latin1"), ["b@y", "c@y"]];
    expect(files.length).toBe(2);
    for (const [index, recipient] of heads.entries()) {
      expect(files[index] === `Return-Path: <a@x>\nDelivered-To: ${recipient}\n${text}`).toBe(true);
    }
    expect(readdirSync(`${maildir}/tmp`)).toEqual([]);
  });

  test("stores nothing of an incomplete package", async () => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir]);
    const pkg = wirePackage({ message: "hi" });
    expect(await exchange(sink.endpoint, pkg.subarray(0, -1))).toBe("");
    expect(await sink.stop()).toMatchObject({ code: 0, stdout: "" });
    expect([readdirSync(`${maildir}/new`), readdirSync(`${maildir}/tmp`)]).toEqual([[], []]);
  });

  test("refuses addresses that would break the envelope lines", async () => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir]);
    const sender = netstring("Dsorry, I can't store a sender with these bytes (#5.1.7)");
    const recipient = netstring("Dsorry, I can't store a recipient with these bytes (#5.1.3)");
    const bad = (byte: string) =>
      exchange(sink.endpoint, wirePackage({ message: "", recipients: [`b${byte}Delivered-To: c@y`] }));
    expect(await bad("\n")).toBe(recipient.toString());
    expect(await bad("\0")).toBe(recipient.toString());
    expect(await exchange(sink.endpoint, wirePackage({ message: "", sender: "a\n" }))).toBe(
      sender.toString(),
    );
    expect(stored(maildir)).toEqual([]);
  });
});

describe("a message that cannot be stored is Z, never K; only the sink's own standard error says why", () => {
  const NOT_STORED = netstring("Zcannot store the message (#4.3.0)").toString();
  const rows: ReadonlyArray<[string, (maildir: string) => void, string]> = [
    ["new/ is gone", (dir) => rmSync(`${dir}/new`, { recursive: true }), "no such file or directory"],
    ["tmp/ is gone", (dir) => rmSync(`${dir}/tmp`, { recursive: true }), "no such file or directory"],
    [
      "new/ is a file",
      (dir) => {
        rmSync(`${dir}/new`, { recursive: true });
        writeFileSync(`${dir}/new`, "");
      },
      "not a directory",
    ],
  ];
  test.each(rows)("%s", async (_name, spoil, why) => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir, "--reject", "^no@"]);
    spoil(maildir);
    const recipients = ["b@y", "no@y", "c@y"];
    const responses = await exchange(sink.endpoint, wirePackage({ message: "hi", recipients }));
    const refused = netstring("Dsorry, this recipient is refused here (#5.7.1)");
    expect(responses).toBe(`${NOT_STORED}${refused}${NOT_STORED}`);
    expect(await sink.nextLine()).toBe("a@x -> b@y deferral, no@y failure, c@y deferral; 2 bytes, unix");
    if (existsSync(`${maildir}/tmp`)) expect(readdirSync(`${maildir}/tmp`)).toEqual([]);
    const { stderr } = await sink.stop();
    expect(stderr.match(/^qmtp: 127\.0\.0\.1 port \d+: .+$/gm)).toEqual([
      expect.stringMatching(new RegExp(`: cannot store the message in ${maildir}: ${why}$`)),
    ]);
  });

  test("a message too large for memory, and tmp/ is gone", async () => {
    const maildir = temporaryFolder();
    const sink = await startSink(["--maildir", maildir]);
    rmSync(`${maildir}/tmp`, { recursive: true });
    const args = ["send", "-s", sink.endpoint, "-f", "a@x", "b@y", "--timeout", "10"];
    const sent = await qmtp(args, { input: Buffer.alloc(1_000_000, "x") });
    expect(sent.stdout).toBe("b@y: deferral: cannot store the message (#4.3.0)\n");
    expect(sent.code).toBe(111);
  });
});
