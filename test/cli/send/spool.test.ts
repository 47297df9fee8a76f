import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, type SinkHere, startSink } from "../../support/in-process.ts";
import { deliverMaildir, filesLeft, grow } from "../../support/maildirs.ts";
import { shell, stopAll } from "../../support/processes.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { needsStrace } from "../../support/strace.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const DEFERRED = "deferral: sorry, this recipient is deferred here (#4.3.0)";
const FAILED = "failure: sorry, this recipient is refused here (#5.7.1)";

/** The files in a spool's new/, sorted, with one character per byte. */
const spooled = (spool: string) =>
  readdirSync(`${spool}/new`)
    .map((name) => readFileSync(`${spool}/new/${name}`, "latin1"))
    .sort();

const send = (server: string, spool: string, args: readonly string[], input: string | Buffer = "hi\n") =>
  qmtp(["send", "-s", server, "-f", "a@x", "--spool", spool, ...args], { input });

const startSelectiveSink = (): Promise<SinkHere> => startSink(["--reject", "^no", "--defer", "^later"]);

describe("--spool keeps deferred mail, one file per recipient", () => {
  test("and nothing else, in a maildir that it creates if necessary", async () => {
    const sink = await startSelectiveSink();
    const spool = `${temporaryFolder()}/spool`;
    const sent = await send(sink.endpoint, spool, ["later@y", "b@y", "later2@y"]);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(sent.stdout.replace(/ok \d+ qp \d+/, "ok")).toBe(
      `later@y: ${DEFERRED} (spooled)\nb@y: success: ok\nlater2@y: ${DEFERRED} (spooled)\n`,
    );
    const file = (recipient: string) => `Return-Path: <a@x>\nDelivered-To: ${recipient}\nhi\n`;
    expect(spooled(spool)).toEqual([file("later2@y"), file("later@y")]);
    for (const folder of ["", "/tmp", "/new", "/cur"]) {
      expect(statSync(`${spool}${folder}`).mode & 0o777, folder).toBe(0o700);
    }
    expect(readdirSync(spool).sort()).toEqual(["cur", "new", "tmp"]);
    // Names as in maildir(5): seconds, a unique part, the host.
    for (const path of filesLeft(spool)) {
      expect(path).toMatch(/^new\/\d{10}\.[^./:]+\..+$/);
      expect(path.endsWith(`.${hostname()}`)).toBe(true);
      expect(statSync(`${spool}/${path}`).mode & 0o777).toBe(0o600);
    }
  });

  test("and leaves the maildir alone if nothing is deferred", async () => {
    const sink = await startSelectiveSink();
    const spool = `${temporaryFolder()}/spool`;
    const sent = await send(sink.endpoint, spool, ["b@y", "no@y"]);
    expect(sent).toMatchObject({ code: 100, stderr: "" });
    expect(sent.stdout).toContain(`no@y: ${FAILED}\n`);
    expect(filesLeft(spool)).toEqual([]);
  });

  test("and a failure besides makes the exit code 100", async () => {
    const sink = await startSelectiveSink();
    const spool = `${temporaryFolder()}/spool`;
    const sent = await send(sink.endpoint, spool, ["no@y", "later@y"]);
    const stdout = `no@y: ${FAILED}\nlater@y: ${DEFERRED} (spooled)\n`;
    expect(sent).toEqual({ code: 100, signal: null, stdout, stderr: "" });
    expect(spooled(spool)).toEqual(["Return-Path: <a@x>\nDelivered-To: later@y\nhi\n"]);
  });

  test("and --quiet says nothing of it, but --json does", async () => {
    const sink = await startSelectiveSink();
    const spool = `${temporaryFolder()}/spool`;
    const quiet = await send(sink.endpoint, spool, ["-q", "later@y", "b@y"]);
    expect([quiet.stdout, quiet.stderr]).toEqual(["", ""]);
    const json = await send(sink.endpoint, spool, ["--json", "later@y", "no@y", "b@y"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      outcome: "partial",
      exitCode: 100,
      deliveries: [
        { recipient: "later@y", status: "deferral", spooled: true },
        { recipient: "no@y", status: "failure", spooled: false },
        { recipient: "b@y", status: "success", spooled: false },
      ],
    });
    expect([quiet.code, json.code]).toEqual([0, 100]);
  });
});

test("if no server can be reached, every recipient is spooled and no temporary file is left", async () => {
  const port = await unusedPort();
  const spool = `${temporaryFolder()}/spool`;
  const sent = await send(`127.0.0.1:${port}`, spool, ["b@y", "c@y"]);
  const why = `deferral: cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
  const stdout = `b@y: ${why} (spooled)\nc@y: ${why} (spooled)\n`;
  expect(sent).toEqual({ code: 0, signal: null, stdout, stderr: "" });
  expect(spooled(spool).length).toBe(2);
});

describe("`qmtp maildir` delivers what was spooled, byte for byte", () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const rows: ReadonlyArray<[string, string[], sent: string | Buffer, delivered: string | Buffer]> = [
    ["a message", [], "Subject: x\n\nhi\n", "Subject: x\n\nhi\n"],
    ["an empty message", [], "", ""],
    ["--raw, with any byte", ["--raw"], every, every],
    ["--encoding dos, with LF", ["--encoding", "dos"], "one\ntwo\r\nend", "one\ntwo\nend"],
    [
      "--encoding dos --raw, whose bare CRs are data",
      ["--encoding", "dos", "--raw"],
      "one\r\n\rtwo\r\r\n",
      "one\n\rtwo\r\n",
    ],
    ["a message too large for memory", [], "0123456789\n".repeat(900_000), "0123456789\n".repeat(900_000)],
  ];
  test.each(rows)("%s", async (_name, options, input, message) => {
    const spool = `${temporaryFolder()}/spool`;
    const sent = await send("unix:/none", spool, [...options, "b@y"], input);
    expect([sent.code, sent.stderr]).toEqual([0, ""]);
    const [file = ""] = spooled(spool);
    const content = Buffer.concat([
      Buffer.from("Return-Path: <a@x>\nDelivered-To: b@y\n"),
      Buffer.from(message as string),
    ]);
    expect(Buffer.from(file, "latin1").equals(content), "the file").toBe(true);
    const bytes = wirePackage({ message });
    const server = await startScriptedServer({ reply: "3:Kok,", after: bytes.length });
    makeOld(spool);
    const run = await deliverMaildir(spool, ["-s", server.endpoint]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^new\/\S+: b@y: success: ok\n$/) });
    expect(server.received.equals(bytes), "on the wire").toBe(true);
    expect(filesLeft(spool)).toEqual([]);
  });

  test("with addresses that are not UTF-8 or hold a blank, and the null sender", async () => {
    const spool = `${temporaryFolder()}/spool`;
    const list = `${temporaryFolder()}/list`;
    writeFileSync(list, "b\xff@y\nc d@y\n", "latin1");
    const args = ["send", "--literal", "-s", "unix:/none", "-f", "", "--spool", spool, "--to-file", list];
    expect((await qmtp(args, { input: "hi" })).code).toBe(0);
    expect(spooled(spool)).toEqual([
      "Return-Path: <>\nDelivered-To: b\xff@y\nhi",
      "Return-Path: <>\nDelivered-To: c d@y\nhi",
    ]);
  });
});

describe("a spool that cannot be created is reported, with exit code 111, and nothing is sent", () => {
  test.each([
    [
      "a file in its place",
      (folder: string) => writeFileSync(`${folder}/spool`, ""),
      "not a directory|something else is in its place",
    ],
    [
      "a file in place of new/",
      (folder: string) => {
        mkdirSync(`${folder}/spool`);
        writeFileSync(`${folder}/spool/new`, "");
      },
      "not a directory|something else is in its place",
    ],
    [
      "no parent directory",
      (folder: string) => rmSync(folder, { recursive: true }),
      "no such file or directory",
    ],
  ])("%s", async (_name, spoil, why) => {
    const folder = temporaryFolder();
    spoil(folder);
    const server = await startScriptedServer();
    const sent = await send(server.endpoint, `${folder}/spool`, ["b@y"]);
    expect(sent).toMatchObject({ code: 111, stdout: "" });
    const line = `^qmtp: cannot create the maildir ${folder}/spool: .*(${why}).*; name another folder\n$`;
    expect(sent.stderr).toMatch(new RegExp(line));
    expect(server.connections).toBe(0);
  });
});

test("missing parts of a spool are created", async () => {
  const spool = temporaryFolder();
  expect((await send("unix:/none", spool, ["b@y"])).code).toBe(0);
  rmSync(`${spool}/new`, { recursive: true });
  rmSync(`${spool}/tmp`, { recursive: true });
  expect((await send("unix:/none", spool, ["c@y"])).code).toBe(0);
  expect(spooled(spool)).toEqual(["Return-Path: <a@x>\nDelivered-To: c@y\nhi\n"]);
});

test("a full disk is reported, no line says (spooled), and exit code 111 asks for another try", async () => {
  const spool = `${temporaryFolder()}/spool`;
  const file = `${temporaryFolder()}/message`;
  writeFileSync(file, Buffer.alloc(200_000, "0123456789\n"));
  // A file size limit stands in for a full disk.
  const sent = await shell(
    `ulimit -f 64; trap '' XFSZ; "$QMTP" send -s unix:/none -f a@x --spool ${spool} --file ${file} b@y c@y`,
  );
  const why = "deferral: cannot connect to unix:/none: no such file or directory";
  expect(sent.stdout).toBe(`b@y: ${why}\nc@y: ${why}\n`);
  const todo = "send again to the recipients without (spooled)";
  expect(sent.stderr).toBe(`qmtp: cannot store the message in ${spool}: file too large; ${todo}\n`);
  expect([sent.code, filesLeft(spool)]).toEqual([111, []]);
});

test("a single message that does not fit is the only one without (spooled), and exit code 111 asks for another try", async () => {
  const spool = `${temporaryFolder()}/spool`;
  const file = `${temporaryFolder()}/message`;
  // A limit of 64 KiB on files, which only the file with the long recipient exceeds.
  writeFileSync(file, Buffer.alloc(65_536 - 100, "0123456789\n"));
  const long = `${"x".repeat(100)}@y`;
  const many = Array.from({ length: 100 }, (_, index) => `${index}@y`).join(" ");
  const sent = await shell(
    `ulimit -f 128; trap '' XFSZ; "$QMTP" send -s unix:/none -f a@x --spool ${spool} --file ${file} ${long} ${many}`,
  );
  const lines = sent.stdout.trimEnd().split("\n");
  const lost = lines.filter((line) => !line.endsWith(" (spooled)"));
  const why = "deferral: cannot connect to unix:/none: no such file or directory";
  expect([lines.length, lost]).toEqual([101, [`${long}: ${why}`]]);
  expect(sent.stderr).toMatch(/^qmtp: cannot store the message in [^\n]+: file too large; [^\n]+\n$/);
  expect([sent.code, spooled(spool).length, filesLeft(spool).length]).toEqual([111, 100, 100]);
});

test("on a terminal, progress shows how many are spooled", async (context) => {
  needsStrace(context, "the progress of --spool on a slow disk");
  const spool = `${temporaryFolder()}/spool`;
  const many = Array.from({ length: 70 }, (_, index) => `${index}@y`).join(" ");
  const slowly = "strace -f -o /dev/null --trace=fsync --inject=fsync:delay_enter=400ms";
  const shown = await onTerminal(
    `${slowly} node "$QMTP" send -s unix:/none -f a@x --body hi --spool ${spool} ${many}`,
  );
  expect(shown.stdout).toMatch(/spooled 64 of 70 messages, \d+\/s, \d+ s left/);
  expect(shown.stdout).not.toContain("waiting for responses");
  expect(shown.code).toBe(0);
});

/** Ages the spool: a run within the same millisecond would take its files for still arriving. */
function makeOld(spool: string): void {
  for (const path of filesLeft(spool)) grow(`${spool}/${path}`, 60);
}
