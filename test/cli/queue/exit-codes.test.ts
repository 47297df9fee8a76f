import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { isInstalled } from "../../support/installed.ts";
import { stopAll } from "../../support/processes.ts";
import {
  envelopeFor,
  homeWith,
  QMAIL_QMTPC,
  queue,
  queueHere,
  queueShell,
} from "../../support/qmail-qmtpc.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";

afterEach(stopAll);

const MIB = 1024 * 1024;
const noScript = !isInstalled("script") && !process.env.CI;
if (noScript) console.log("skipped: an envelope on a terminal (needs the Debian package bsdutils)");

/** The result of a run that prints one line and delivers nothing. */
const said = (code: number, why: string) => ({
  ...{ code, signal: null, stdout: "" },
  stderr: `qmail-qmtpc: ${why}\n`,
});

describe("responses", () => {
  const failure = "failure: sorry, this recipient is refused here (#5.7.1)";
  const deferral = "deferral: sorry, this recipient is deferred here (#4.3.0)";
  test.each([
    [0, ["b@y", "c@y"], []],
    [31, ["no@y"], [`no@y: ${failure}`]],
    [31, ["b@y", "no@y", "c@y"], [`no@y: ${failure}`]],
    [71, ["later@y"], [`later@y: ${deferral}`]],
    [71, ["b@y", "later@y"], [`later@y: ${deferral}`]],
    [71, ["no@y", "later@y", "no@z"], [`no@y: ${failure}`, `later@y: ${deferral}`, `no@z: ${failure}`]],
  ])("exit code %i for %j, with a line for each that did not succeed", async (code, recipients, lines) => {
    const sink = await startSink(["--reject", "^no", "--defer", "^later"]);
    const sent = await queue({ envelope: envelopeFor(...recipients), env: homeWith(sink.endpoint) });
    const stderr = lines.map((line) => `qmail-qmtpc: ${line}\n`).join("");
    expect(sent).toEqual({ code, signal: null, stdout: "", stderr });
  });
});

describe("exit code 74: the session ended before every recipient had a response", () => {
  test.each([
    ["the server closes the connection", { reply: "", close: true }, []],
    ["after a success", { reply: "3:Kok,", close: true }, []],
    ["after a failure", { reply: "3:Dno,", close: true }, []],
    ["the server does not speak QMTP", { reply: "hello\r\n" }, []],
    ["the server is silent", {}, ["--timeout", "0.3"]],
    ["the run takes too long", {}, ["--max-time", "0.9"]],
  ])("%s", async (_what, script, args) => {
    const after = "4:\nhi\n,3:a@x,12:3:b@y,3:c@y,,".length;
    const server = await startScriptedServer({ ...script, after });
    const sent = await queueHere({
      envelope: envelopeFor("b@y", "c@y"),
      env: homeWith(server.endpoint),
      args,
    });
    expect(sent).toMatchObject({ code: 74, signal: null, stdout: "" });
    expect(sent.stderr).toMatch(/^qmail-qmtpc: c@y: deferral: .*\(the message may have been delivered\)$/m);
    expect(sent.stderr).not.toMatch(/^\s+at /m);
  });

  test("but exit code 71 if the server had already deferred one", async () => {
    const after = "4:\nhi\n,3:a@x,12:3:b@y,3:c@y,,".length;
    const server = await startScriptedServer({ reply: "6:Zlater,", after, close: true });
    const sent = await queueHere({ envelope: envelopeFor("b@y", "c@y"), env: homeWith(server.endpoint) });
    expect(sent).toMatchObject({ code: 71, stdout: "" });
  });
});

describe("no connection", () => {
  test("exit code 73 if no server listens there, or the socket or host does not exist", async () => {
    for (const server of [`127.0.0.1:${await unusedPort()}`, "unix:/none", "host.invalid"]) {
      const sent = await queueHere({ env: homeWith(server) });
      expect(sent, server).toMatchObject({ code: 73, stdout: "" });
      expect(sent.stderr).toMatch(/^qmail-qmtpc: b@y: deferral: cannot connect to [^\n]+\n$/);
    }
  });

  test("exit code 72 if it takes longer than --connect-timeout", async () => {
    const port = await portThatNeverAnswers();
    const sent = await queueHere({ env: homeWith(`127.0.0.1:${port}`), args: ["--connect-timeout", "0.3"] });
    const why = `cannot connect to qmtp://127.0.0.1:${port}: no connection within 0.3 s`;
    expect(sent).toEqual(said(72, `b@y: deferral: ${why}`));
  });

  test("exit code 56 if this host does not have the --source-ip address", async () => {
    const server = await startScriptedServer();
    const sent = await queueHere({ env: homeWith(server.endpoint), args: ["--source-ip", "203.0.113.7"] });
    expect(sent).toMatchObject({ code: 56, stdout: "" });
    expect(sent.stderr).toMatch(/^qmail-qmtpc: b@y: deferral: .*no such address on this host.*\n$/);
    expect(server.connections).toBe(0);
  });
});

describe("nothing is sent, and one line says why", () => {
  const REMEDY = "redirect a file or a pipe to it";

  test("exit code 51: the envelope is longer than 64 MiB", async () => {
    const server = await startScriptedServer();
    const envelope = Buffer.alloc(65 * MIB, "x");
    envelope.write("Fa@x\0T", "latin1");
    const input = { envelope, env: homeWith(server.endpoint) };
    const why = "the envelope is longer than 67108864 bytes; give some of the recipients a separate message";
    expect(await queue(input)).toEqual(said(51, why));
    expect(await queueShell('"$QMTPC" <"$MESSAGE" 1<"$ENVELOPE"', input)).toEqual(said(51, why));
    expect(server.connections).toBe(0);
  });

  test("exit code 53: the message cannot be stored in TMPDIR", async () => {
    const server = await startScriptedServer();
    const folder = `${temporaryFolder()}/none`;
    const env = { ...homeWith(server.endpoint), TMPDIR: folder };
    const why = `cannot store the message in ${folder}: no such file or directory; name another directory in TMPDIR`;
    expect(await queue({ message: Buffer.alloc(9 * MIB, "x"), env })).toEqual(said(53, why));
    expect(server.connections).toBe(0);
  });

  test("exit code 55: the --cacert file cannot be read", async () => {
    const why = "cannot read /none.pem: no such file or directory; name a file that can be read";
    const sent = await queueHere({ env: homeWith("qmtps://127.0.0.1:1"), args: ["--cacert", "/none.pem"] });
    expect(sent).toEqual(said(55, why));
  });

  test.each([
    [
      "the message is a directory",
      '</ 1<"$ENVELOPE"',
      `cannot read standard input: it is a directory; ${REMEDY}`,
    ],
    [
      "the message is open for writing only",
      '0>"$MESSAGE" 1<"$ENVELOPE"',
      /^cannot read standard input: .+; /,
    ],
    [
      "the envelope is a directory",
      '<"$MESSAGE" 1</',
      /^cannot read the envelope on descriptor 1: it is a dir/,
    ],
    [
      "the envelope is a file open for writing only",
      '<"$MESSAGE" 1>"$ENVELOPE"',
      /^cannot read the envelope on/,
    ],
    ["the envelope is a pipe open for writing only", '<"$MESSAGE" | cat', /^cannot read the envelope on/],
  ])("exit code 54: %s", async (_what, redirections, why) => {
    const server = await startScriptedServer();
    const command = `{ "$QMTPC" ${redirections.replace(" | cat", "")}; echo "code $?" >&2; }`;
    const piped = redirections.endsWith("| cat") ? `${command} | cat` : command;
    const sent = await queueShell(piped, { env: homeWith(server.endpoint) });
    const [line, code] = sent.stderr.split("\n");
    expect(code).toBe("code 54");
    expect(line?.replace("qmail-qmtpc: ", "")).toMatch(why);
    expect(sent.stdout).toBe("");
    expect(server.connections).toBe(0);
  });

  test.skipIf(noScript)("exit code 54: descriptor 1 is a terminal, which is not read", async () => {
    const server = await startScriptedServer();
    const env = { ...homeWith(server.endpoint), QMTPC: QMAIL_QMTPC };
    const { code, stdout } = await onTerminal('"$QMTPC" </dev/null', env);
    const why = "descriptor 1 is a terminal; the envelope is read there, from a pipe or a file";
    expect({ code, stdout }).toEqual({ code: 54, stdout: `qmail-qmtpc: ${why}\r\n` });
    expect(server.connections).toBe(0);
  });

  const bad: ReadonlyArray<[string, (home: string) => void, string]> = [
    [
      "no qmail home",
      (home) => rmSync(home, { recursive: true }),
      "no server: name one in FILE, or in QMTP_SERVER",
    ],
    [
      "no file",
      (home) => rmSync(`${home}/control/qmtpservers`),
      "no server: name one in FILE, or in QMTP_SERVER",
    ],
    ["an empty file", (home) => write(home, ""), "no server: name one in FILE, or in QMTP_SERVER"],
    [
      "comments only",
      (home) => write(home, "# x\n\n  \n#\n"),
      "no server: name one in FILE, or in QMTP_SERVER",
    ],
    ["a bad line", (home) => write(home, "# x\n127.0.0.1:99999\n"), "FILE, line 2: "],
    ["a bad line after good ones", (home) => write(home, "a.example\n\nqmtp://\n"), "FILE, line 3: "],
    [
      "a directory in its place",
      (home) => {
        rmSync(`${home}/control/qmtpservers`);
        mkdirSync(`${home}/control/qmtpservers`);
      },
      "cannot read FILE: it is a directory; make it readable for this user",
    ],
  ];
  test.each(bad)("exit code 55: control/qmtpservers has %s", async (_what, spoil, why) => {
    const { QMAILHOME = "" } = homeWith("x");
    spoil(QMAILHOME);
    const sent = await queueHere({ env: { QMAILHOME } });
    expect(sent).toMatchObject({ code: 55, signal: null, stdout: "" });
    expect(sent.stderr).toMatch(/^[^\n]+\n$/);
    expect(sent.stderr).toContain(`qmail-qmtpc: ${why.replace("FILE", `${QMAILHOME}/control/qmtpservers`)}`);
  });

  test.each([
    ["an unknown option", ["--from", "a@x"]],
    ["an operand", ["b@y"]],
    ["a bad endpoint", ["-s", "127.0.0.1:0"]],
    ["options that exclude each other", ["-4", "-6"]],
    ["TLS options without TLS", ["-k"]],
    ["ucspi: without a connection", ["-s", "ucspi:"]],
  ])("exit code 55: %s", async (_what, args) => {
    const server = await startScriptedServer();
    const sent = await queueHere({ args, env: homeWith(server.endpoint) });
    expect(sent).toMatchObject({ code: 55, signal: null, stdout: "" });
    expect(sent.stderr).toMatch(/^qmail-qmtpc: [^\n]+\n$/);
    expect(server.connections).toBe(0);
  });
});

function write(home: string, text: string): void {
  writeFileSync(`${home}/control/qmtpservers`, text);
}
