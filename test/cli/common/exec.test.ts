import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { PROGRAMS } from "../../support/installed.ts";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { skipsRealServers } from "../../support/mailfront.ts";
import { LAUNCHER, qmtp, stopAll } from "../../support/processes.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const PACKAGE = wirePackage({ message: "hi\n" });
/** A server that accepts that package. */
const ANSWER = `head -c ${PACKAGE.length} > /dev/null; printf 3:Kok,`;
const OK = { code: 0, signal: null, stdout: "b@y: success: ok\n" };

const send = (command: string, env: Record<string, string> = {}, ...more: string[]) =>
  qmtp(["send", "-f", "a@x", ...more, "-s", `exec:${command}`, "b@y"], { input: "hi\n", env });

const noMailfront = skipsRealServers("servers as children");

function queueFolder(): { env: Record<string, string>; stored(): string[] } {
  const folder = temporaryFolder();
  for (const name of ["tmp", "new"]) mkdirSync(`${folder}/${name}`);
  const files = () =>
    readdirSync(`${folder}/new`).map((name) => readFileSync(`${folder}/new/${name}`, "latin1"));
  return { env: { PATH: PROGRAMS, QUEUEDIR: folder }, stored: () => files().sort() };
}

describe.skipIf(noMailfront)("mailfront as a child", () => {
  test("responds, and its standard error is passed on", async () => {
    const sent = await send("mailfront qmtp echo accept", { PATH: PROGRAMS });
    expect(sent).toMatchObject({ code: 0, signal: null, stdout: "b@y: success: Received 3 bytes.\n" });
    expect(sent.stderr.replace(/\[\d+\]/g, "[]").replace(/bytes in.*/, "bytes")).toBe(
      ["hi", "sender <a@x>", "recipient <b@y>", "bytes"]
        .map((line) => `qmtp: server: mailfront[]: ${line}\n`)
        .join(""),
    );
  });

  test("stores a message byte for byte, after the lines it adds", async () => {
    const queue = queueFolder();
    const message = "Subject: ø\n\n\0\x01 .\n.\nlast";
    const args = ["send", "-f", "a@x", "--split", "-s", "exec:mailfront qmtp queuedir accept", "b@y", "c@y"];
    const sent = await qmtp(args, { input: message, env: queue.env });
    expect(sent).toMatchObject({ code: 0, signal: null });
    expect(sent.stdout).toMatch(/^b@y: success: [^\n]+\nc@y: success: [^\n]+\n$/);
    const bytes = Buffer.from(message).toString("latin1");
    expect(
      queue.stored().map((file) => file.replace(/\0(?:Received:|Message-Id:)[\s\S]*?(?=Subject)/i, "\0")),
    ).toEqual([`a@x\0b@y\0${bytes}`, `a@x\0c@y\0${bytes}`]);
  });

  test("accepts a whole maildir in one session, and the messages are removed", async () => {
    const queue = queueFolder();
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "cur/2.h:2,S": [10, mail("c@y")] });
    const run = await deliverMaildir(maildir, ["-s", "exec:mailfront qmtp queuedir accept"], "", queue.env);
    expect(run.code, run.stderr).toBe(0);
    expect(filesLeft(maildir)).toEqual([]);
    expect(queue.stored().map((file) => file.split("\0").slice(0, 2))).toEqual([
      ["a@x", "b@y"],
      ["a@x", "c@y"],
    ]);
  });
});

test("a sink as a child accepts a maildir, and defers what it was asked to", async () => {
  const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "new/2.h": [10, mail("later@y")] });
  const command = `exec:exec ${process.execPath} ${LAUNCHER} sink --listen ucspi: --defer ^later`;
  const run = await deliverMaildir(maildir, ["-s", command]);
  expect(run).toMatchObject({ code: 111, signal: null });
  expect(run.stdout).toMatch(/^new\/1\.h: b@y: success: ok\nnew\/2\.h: later@y: deferral: /);
  expect(run.stderr.split("\n").sort()).toEqual([
    "",
    "qmtp: 2 messages: 1 success, 1 deferral; 1 removed, 1 kept",
    "qmtp: server: 127.0.0.1: a@x -> b@y success; 15 bytes, unix",
    "qmtp: server: 127.0.0.1: a@x -> later@y deferral; 15 bytes, unix",
  ]);
  expect(filesLeft(maildir)).toEqual(["new/2.h"]);
});

describe("the command of an exec: endpoint", () => {
  test("may be a pipeline, and receives the package unchanged", async () => {
    const log = `${temporaryFolder()}/a log`;
    expect(await send(`tee '${log}' | { ${ANSWER}; }`)).toEqual({ ...OK, stderr: "" });
    expect(readFileSync(log)).toEqual(PACKAGE);
  });

  test("takes up all of QMTP_SERVER, spaces included", async () => {
    const env = { QMTP_SERVER: `  exec:echo 'a  b' >&2; ${ANSWER} ` };
    const sent = await qmtp(["send", "-f", "a@x", "b@y"], { input: "hi\n", env });
    expect(sent).toEqual({ ...OK, stderr: "qmtp: server: a  b\n" });
  });

  test("gets the message when no server before it can be reached", async () => {
    const sent = await send(ANSWER, {}, "-s", `127.0.0.1:${await unusedPort()}`, "--json");
    expect(JSON.parse(sent.stdout)).toMatchObject({
      outcome: "success",
      server: { endpoint: `exec:${ANSWER}`, address: null, port: null, tls: null },
    });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  });

  test("is the last endpoint tried once it has started, even if it fails", async () => {
    const sent = await send("exit 5", {}, "-s", "exec:exit 6");
    expect(sent).toMatchObject({ code: 111, stderr: "" });
    expect(sent.stdout).toMatch(/^b@y: deferral: the server ended with exit code 6 before [^\n]*\n$/);
  });
});

describe("a server's environment", () => {
  const printsEnvironment = `env | grep -E '^(PROTO|TCP)' | LC_ALL=C sort >&2; ${ANSWER}`;
  const ours = {
    ...{ PROTO: "TCP6", TCPLOCALIP: "192.0.2.9", TCPREMOTEIP: "192.0.2.8", TCPREMOTEINFO: "me" },
    ...{ TCPREMOTEHOST: "h.example", TCPLOCALHOST: "l.example", TCPREMOTEPORT: "5", TCPLOCALPORT: "6" },
  };
  const expected =
    "PROTO=TCP TCPLOCALHOST=localhost TCPLOCALIP=127.0.0.1 TCPLOCALPORT=209 TCPREMOTEHOST=localhost " +
    "TCPREMOTEIP=127.0.0.1 TCPREMOTEPORT=0";
  const lines = (text: string) =>
    text
      .split(" ")
      .map((line) => `qmtp: server: ${line}\n`)
      .join("");

  test.each([
    ["has none", {}],
    ["describes another", ours],
  ])("describes a connection from this host when ours %s", async (_, env: Record<string, string>) => {
    expect(await send(printsEnvironment, env)).toEqual({ ...OK, stderr: lines(expected) });
  });

  test("may be set by the command", async () => {
    const stderr = "qmtp: server: 192.0.2.7\n";
    expect(await send(`TCPREMOTEIP=192.0.2.7 sh -c 'echo $TCPREMOTEIP' >&2; ${ANSWER}`)).toEqual({
      ...OK,
      stderr,
    });
  });
});

describe("a server's standard error", () => {
  test.each([
    ["lines", "one\\n\\ntwo\\n", "qmtp: server: one\nqmtp: server: \nqmtp: server: two\n"],
    ["no newline at the end", "one\\ntwo", "qmtp: server: one\nqmtp: server: two\n"],
    ["control bytes", "a\\033[31mb\\r\\000\\377\\n", "qmtp: server: a\\x1b[31mb\\x0d\\x00\\xff\n"],
    ["UTF-8", "\\303\\251\\n", "qmtp: server: é\n"],
  ])("is passed on: %s", async (_, format, stderr) => {
    expect(await send(`printf '${format}' >&2; ${ANSWER}`)).toEqual({ ...OK, stderr });
  });

  test("is passed on in pieces when a line is very long, with nothing lost", async () => {
    const { stderr, ...rest } = await send(`head -c 100000 /dev/zero | tr '\\0' x >&2; ${ANSWER}`);
    expect(rest).toEqual(OK);
    const pieces = stderr
      .trimEnd()
      .split("\n")
      .map((line) => /^qmtp: server: (x+)$/.exec(line)?.[1] ?? "?");
    expect(pieces.join("")).toBe("x".repeat(100_000));
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(2_000);
  });
});
