import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { finished, stopAll } from "../../support/processes.ts";
import {
  ENVELOPE,
  envelopeFor,
  envelopeOf,
  homeWith,
  queue,
  queueHere,
  queueShell,
  startQueue,
} from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const OK = { code: 0, signal: null, stdout: "", stderr: "" };
/** "hi" from a@x to b@y on the wire; the byte 0x0a before the message marks the unix encoding. */
const PACKAGE = Buffer.from("4:\nhi\n,3:a@x,6:3:b@y,,");

const startAcceptingServer = (after = PACKAGE.length) => startScriptedServer({ reply: "3:Kok,", after });

describe("message and envelope are read", () => {
  test.each([
    ["both from files", '"$QMTPC" <"$MESSAGE" 1<"$ENVELOPE"'],
    ["the message from a pipe, the envelope from a file", 'cat "$MESSAGE" | "$QMTPC" 1<"$ENVELOPE"'],
    ["the message from a file, the envelope from a pipe", 'cat "$ENVELOPE" | "$QMTPC" 1<&0 <"$MESSAGE"'],
    [
      "both from pipes",
      'mkfifo "$ENVELOPE.pipe"; cat "$ENVELOPE" >"$ENVELOPE.pipe" & cat "$MESSAGE" | "$QMTPC" 1<"$ENVELOPE.pipe"',
    ],
    ["a byte at a time", 'dd bs=1 status=none if="$ENVELOPE" | "$QMTPC" 1<&0 <"$MESSAGE"'],
    ["with `qmtp queue`", '"$QMTP" queue <"$MESSAGE" 1<"$ENVELOPE"'],
    // On a file, coreutils' `head` seeks back over what it has read ahead.
    ["from a file's current offset", '{ head -c 2 >/dev/null; "$QMTPC" 1<"$ENVELOPE"; } <"$LONGER"'],
  ])("%s", async (_what, command) => {
    const server = await startAcceptingServer();
    const longer = `${temporaryFolder()}/longer`;
    writeFileSync(longer, "..hi\n");
    const env = { ...homeWith(server.endpoint), LONGER: longer };
    expect(await queueShell(command, { env })).toEqual(OK);
    expect(server.received).toEqual(PACKAGE);
  });

  test("both from sockets", async () => {
    const server = await startAcceptingServer();
    expect(await queue({ env: homeWith(server.endpoint) })).toEqual(OK);
    expect(server.received).toEqual(PACKAGE);
  });

  test("through a symbolic link called qmail-queue, from any directory", async () => {
    const server = await startAcceptingServer();
    const link = `${temporaryFolder()}/qmail-queue`;
    symlinkSync(new URL("../../../bin/qmail-qmtpc", import.meta.url).pathname, link);
    const env = { ...homeWith(server.endpoint), LINK: link };
    expect(await queueShell('cd /; "$LINK" <"$MESSAGE" 1<"$ENVELOPE"', { env })).toEqual(OK);
    expect(server.received).toEqual(PACKAGE);
  });

  test("without waiting for end of file on descriptor 1 after the last NUL", async () => {
    const server = await startAcceptingServer();
    const child = startQueue(homeWith(server.endpoint));
    child.stdin?.end("hi\n");
    envelopeOf(child).write(`${ENVELOPE}rubbish`);
    expect(await finished(child)).toEqual(OK);
    expect(server.received).toEqual(PACKAGE);
  });
});

describe("the message is unchanged on the wire", () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  test.each([
    ["nothing", "", "1:\n,"],
    ["no newline at the end", "no end", "7:\nno end,"],
    ["CRLF", "one\r\ntwo\r\n", "11:\none\r\ntwo\r\n,"],
    ["a bare CR", "\r", "2:\n\r,"],
    ["dots and From", "\n\n.\n..\nFrom x\n", "15:\n\n\n.\n..\nFrom x\n,"],
    ["what looks like a netstring", "\0,3:\n", "6:\n\0,3:\n,"],
    ["every byte", every.toString("latin1"), `257:\n${every.toString("latin1")},`],
  ])("%s", async (_what, message, netstring) => {
    const bytes = Buffer.from(`${netstring}3:a@x,6:3:b@y,,`, "latin1");
    const server = await startAcceptingServer(bytes.length);
    expect(await queueHere({ message, env: homeWith(server.endpoint) })).toEqual(OK);
    expect(server.received).toEqual(bytes);
  });
});

test("addresses are unchanged on the wire, in order, duplicates included", async () => {
  const bytes = Buffer.from("4:\nhi\n,3:\xff@x,24:3:c@y,3:b@y,3:\n,:,3:c@y,,", "latin1");
  const server = await startScriptedServer({ reply: "3:Kok,".repeat(4), after: bytes.length });
  const envelope = "F\xff@x\0Tc@y\0Tb@y\0T\n,:\0Tc@y\0\0";
  expect(await queueHere({ envelope, env: homeWith(server.endpoint) })).toEqual(OK);
  expect(server.received).toEqual(bytes);
});

test("the null sender is empty on the wire", async () => {
  const bytes = Buffer.from("4:\nhi\n,0:,6:3:b@y,,");
  const server = await startAcceptingServer(bytes.length);
  expect(await queueHere({ envelope: "F\0Tb@y\0\0", env: homeWith(server.endpoint) })).toEqual(OK);
  expect(server.received).toEqual(bytes);
});

describe("descriptor 1 is never written to", () => {
  const rows: ReadonlyArray<[string, number, string[], string]> = [
    ["a success", 0, ["b@y"], ""],
    ["a transcript", 0, ["b@y"], "-v"],
    ["a failure", 31, ["no@y", "b@y"], ""],
    ["a deferral", 71, ["later@y"], ""],
    ["a bad envelope", 91, [], ""],
  ];
  test.each(rows)("after %s (socket, named pipe and file)", async (_what, code, recipients, option) => {
    const sink = await startSink(["--reject", "^no", "--defer", "^later"]);
    const [env, envelope] = [homeWith(sink.endpoint), envelopeFor(...recipients)];
    const args = option === "" ? [] : [option];
    expect(await queue({ env, envelope, args })).toMatchObject({ code, stdout: "" });

    const [fifo, file] = ["fifo", "file"].map((name) => `${temporaryFolder()}/${name}`) as [string, string];
    execFileSync("mkfifo", [fifo]);
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(fd, envelope, null, "latin1");
    const run = (command: string, input: object = {}) =>
      queueShell(command, { env: { ...env, FIFO: fifo, FILE: file }, envelope, ...input });
    expect(await run(`"$QMTPC" ${option} <"$MESSAGE" 1<>"$FIFO"`)).toMatchObject({ code, stdout: "" });
    expect(() => readSync(fd, Buffer.alloc(1))).toThrow("EAGAIN");
    closeSync(fd);

    const kept = 'cp "$ENVELOPE" "$FILE"; "$QMTPC" OPTION <"$MESSAGE" 1<>"$FILE"';
    expect(await run(kept.replace("OPTION", option))).toMatchObject({ code });
    expect(readFileSync(file, "latin1")).toBe(envelope);
  });
});

test("several recipients share one package, with a response for each", async () => {
  const bytes = wirePackage({ message: "hi\n", recipients: ["b@y", "c@y", "d@y"] });
  const server = await startScriptedServer({ reply: "3:Kok,3:Kok,3:Kok,", after: bytes.length });
  const sent = await queueHere({
    envelope: envelopeFor("b@y", "c@y", "d@y"),
    env: homeWith(server.endpoint),
  });
  expect(sent).toEqual(OK);
  expect([server.received.toString(), server.connections]).toEqual([bytes.toString(), 1]);
});
