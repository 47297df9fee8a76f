import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { environment, finished, shell, start, stopAll } from "../../support/processes.ts";
import { homeWith } from "../../support/qmail-qmtpc.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { COMPLETE, SENDMAIL, sendmail } from "../../support/sendmail.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { netstring } from "../../support/wire.ts";

afterEach(stopAll);

const MIB = 1024 * 1024;
const said = (code: number, ...lines: string[]) => ({
  code,
  signal: null,
  stdout: "",
  stderr: lines.map((line) => `qmtp-sendmail: ${line}\n`).join(""),
});

async function answered(...responses: string[]) {
  const server = await startScriptedServer({ reply: Buffer.concat(responses.map(netstring)), after: 100 });
  const recipients = ["b@y", "c@y", "d@y"].slice(0, responses.length);
  return sendmail(["-s", server.endpoint, "-f", "a@x", ...recipients]);
}

describe("exit code", () => {
  test("0, with nothing printed, if every recipient succeeded", async () => {
    expect(await answered("Kok", "Kok")).toEqual(said(0));
  });

  test("65 if some failed and none was deferred", async () => {
    expect(await answered("Kok", "Dno\n", "Dnever")).toEqual(
      said(65, "c@y: failure: no\\x0a", "d@y: failure: never"),
    );
  });

  test("75 if any was deferred", async () => {
    expect(await answered("Kok", "Zlater", "Dno")).toEqual(
      said(75, "c@y: deferral: later", "d@y: failure: no"),
    );
  });

  test("75 if the server does not respond: the message may have been delivered", async () => {
    const server = await startScriptedServer({ reply: "", after: 100, close: true });
    const why = "connection closed before a response came (the message may have been delivered)";
    expect(await sendmail(["-s", server.endpoint, "b@y"])).toEqual(said(75, `b@y: deferral: ${why}`));
  });
});

describe("exit code without a response", () => {
  test("69 if no server can be reached", async () => {
    const sent = await sendmail(["-s", "unix:/none", "-s", "unix:/nobody", "b@y"]);
    expect(sent).toMatchObject({ code: 69, stdout: "" });
    expect(sent.stderr).toMatch(/^qmtp-sendmail: b@y: deferral: cannot connect to unix:\/none: [^\n]+\n$/);
  });

  test("69 if the configuration cannot be read or parsed", async () => {
    const home = temporaryFolder();
    mkdirSync(`${home}/control/qmtpservers`, { recursive: true });
    const path = `${home}/control/qmtpservers`;
    expect(await sendmail(["b@y"], { env: { QMAILHOME: home } })).toEqual(
      said(69, `cannot read ${path}: it is a directory; make it readable for this user`),
    );
    const bad = await sendmail(["b@y"], { env: homeWith("tcp:x") });
    expect(bad).toMatchObject({ code: 69, stdout: "" });
    expect(bad.stderr).toMatch(/^qmtp-sendmail: \S+\/control\/qmtpservers, line 1: bad endpoint 'tcp:x': /);
    const pem = "cannot read /none.pem: no such file or directory; name a file that can be read";
    expect(await sendmail(["-s", "qmtps://localhost", "--cacert", "/none.pem", "b@y"])).toEqual(
      said(69, pem),
    );
  });

  test("66 if the message cannot be read", async () => {
    const sent = await shell(`exec "$SENDMAIL" -s unix:/none b@y </`, { SENDMAIL });
    const why = "cannot read standard input: it is a directory; redirect a file or a pipe to it";
    expect(sent).toEqual(said(66, why));
  });

  test("75 if the message cannot be stored in TMPDIR", async () => {
    const folder = `${temporaryFolder()}/none`;
    const input = { message: COMPLETE + "x".repeat(9 * MIB), env: { TMPDIR: folder } };
    const why = `cannot store the message in ${folder}: no such file or directory; name another directory in TMPDIR`;
    expect(await sendmail(["-s", "unix:/none", "b@y"], input)).toEqual(said(75, why));
  });

  test("66 on a signal while reading the message, and nothing is sent", async () => {
    const child = start(process.execPath, [SENDMAIL, "-s", "unix:/none", "b@y"], { env: environment() });
    const ended = finished(child);
    // More than a pipe holds: the write completes only when the other end reads.
    await new Promise((resolve) => child.stdin?.write(Buffer.alloc(2 * MIB, "x"), resolve));
    child.kill("SIGTERM");
    expect(await ended).toEqual(
      said(66, "interrupted by SIGTERM while reading the message; nothing was sent"),
    );
  });

  test("75 on a signal while waiting for the response", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const port = (server.address() as AddressInfo).port;
    const child = start(process.execPath, [SENDMAIL, "-s", `127.0.0.1:${port}`, "b@y"], {
      env: environment(),
    });
    const ended = finished(child);
    child.stdin?.end(COMPLETE);
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.on("error", () => {});
    await once(socket, "data");
    child.kill("SIGTERM");
    const why = "interrupted by SIGTERM; no response came (the message may have been delivered)";
    expect(await ended).toEqual(said(75, `b@y: deferral: ${why}`));
    socket.destroy();
  });
});

describe("the server", () => {
  test("comes from -s, else QMTP_SERVER, else control/qmtpservers", async () => {
    const [option, variable, file] = [
      await startReceivingServer(),
      await startReceivingServer(),
      await startReceivingServer(),
    ];
    const env = homeWith("unix:/none", file.endpoint);
    const set = { ...env, QMTP_SERVER: variable.endpoint };
    expect(await sendmail(["-s", option.endpoint, "b@y"], { env: set })).toEqual(said(0));
    expect(await sendmail(["b@y"], { env: set })).toEqual(said(0));
    expect(await sendmail(["b@y"], { env: { ...env, QMTP_SERVER: "" } })).toEqual(said(0));
    expect([option, variable, file].map(({ packages }) => packages.length)).toEqual([1, 1, 1]);
  });

  test("is this host if none is named", async () => {
    const sent = await sendmail(["--connect-timeout", "5", "-p", "1", "b@y"]);
    expect(sent.stderr).toMatch(/^qmtp-sendmail: b@y: deferral: cannot connect to qmtp:\/\/localhost:1: /);
  });
});

test("with --spool, deferred mail is kept, counts as success, and is delivered by qmtp maildir", async () => {
  const maildir = `${temporaryFolder()}/spool`;
  const deferring = await startScriptedServer({ reply: "6:Zlater,3:Kok,3:Dno,", after: 100 });
  const sent = await sendmail([
    "-s",
    deferring.endpoint,
    "-f",
    "a@x",
    "--spool",
    maildir,
    "b@y",
    "c@y",
    "d@y",
  ]);
  expect(sent).toEqual(said(65, "b@y: deferral: later (spooled)", "d@y: failure: no"));
  const unreached = await sendmail(["-s", "unix:/none", "-f", "a@x", "--spool", maildir, "e@y"]);
  expect([unreached.code, unreached.stderr.endsWith(" (spooled)\n")]).toEqual([0, true]);
  expect(readdirSync(`${maildir}/new`).length).toBe(2);
  const server = await startReceivingServer();
  expect(await qmtp(["maildir", "-q", "-s", server.endpoint, maildir, ""])).toMatchObject({ code: 0 });
  const kept = server.packages.map(({ sender, recipients, message }) => [
    sender,
    ...recipients,
    `${message}`,
  ]);
  expect(kept.toSorted()).toEqual([
    ["a@x", "b@y", COMPLETE],
    ["a@x", "e@y", COMPLETE],
  ]);
});
