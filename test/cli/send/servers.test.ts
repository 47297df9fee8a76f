import { mkdirSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { emptyQmailHome, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { homeWith } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

const send = (...args: string[]) => qmtp(["send", "-f", "a@x", ...args], { input: "hi\n" });

describe("without a connection, every recipient gets a deferral line, and the exit code is 111", () => {
  test("a host that is not found", async () => {
    const sent = await send("-s", "host.invalid", "b@y", "c@y");
    const why = "deferral: cannot connect to qmtp://host.invalid:209: ";
    const reason = "(host not found|temporary failure in name resolution)";
    expect(sent.stdout).toMatch(new RegExp(`^b@y: ${why}${reason}\nc@y: ${why}${reason}\n$`));
    expect(sent).toMatchObject({ code: 111, stderr: "" });
  });

  test("a socket that does not exist", async () => {
    const path = `${temporaryFolder()}/none`;
    const stdout = `b@y: deferral: cannot connect to unix:${path}: no such file or directory\n`;
    expect(await send("-s", `unix:${path}`, "b@y")).toEqual({ code: 111, signal: null, stdout, stderr: "" });
  });

  test("a connection that takes too long", async () => {
    const port = await portThatNeverAnswers();
    const sent = await send("-s", `127.0.0.1:${port}`, "--connect-timeout", "0.4", "b@y");
    const stdout = `b@y: deferral: cannot connect to qmtp://127.0.0.1:${port}: no connection within 0.4 s\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout, stderr: "" });
  });

  test("every one of several servers, with the reason for each", async () => {
    const [port, path] = [await unusedPort(), `${temporaryFolder()}/none`];
    const sent = await send("-s", `127.0.0.1:${port}`, "-s", `unix:${path}`, "b@y", "--json");
    const { deliveries, server, error, outcome } = JSON.parse(sent.stdout);
    const message =
      `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1); ` +
      `cannot connect to unix:${path}: no such file or directory`;
    expect(deliveries).toEqual([
      {
        index: 0,
        recipient: "b@y",
        status: "deferral",
        text: message,
        origin: "client",
        possibleDuplicate: false,
      },
    ]);
    expect(error).toEqual({ code: "connect-failed", fault: "transport", message });
    expect(server).toEqual({ endpoint: `unix:${path}`, address: null, port: null, tls: null });
    expect(outcome).toBe("failed");
    expect(sent).toMatchObject({ code: 111, stderr: "" });
  });
});

describe("several servers", () => {
  test("the next one is tried if one cannot be reached", async () => {
    const sink = await startSink();
    const sent = await send("-s", `127.0.0.1:${await unusedPort()}`, "-s", sink.endpoint, "b@y", "--json");
    expect(JSON.parse(sent.stdout)).toMatchObject({
      outcome: "success",
      server: { endpoint: sink.endpoint },
    });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(await sink.nextLine()).toBe("a@x -> b@y success; 3 bytes, unix");
  });

  test("the next one is not tried after a connection, even one that fails", async () => {
    const [first, second] = [
      await startScriptedServer({ reply: "", after: wirePackage({ message: "hi\n" }).length, close: true }),
      await startScriptedServer(),
    ];
    const sent = await send("-s", first.endpoint, "-s", second.endpoint, "b@y");
    const why = "connection closed before a response came (the message may have been delivered)";
    expect(sent).toEqual({ code: 111, signal: null, stdout: `b@y: deferral: ${why}\n`, stderr: "" });
    expect(second.connections).toBe(0);
  });

  test("QMTP_SERVER names several, separated by white space", async () => {
    const sink = await startSink();
    const env = { QMTP_SERVER: ` 127.0.0.1:${await unusedPort()}\t ${sink.endpoint}\n` };
    const sent = await qmtp(["send", "-f", "a@x", "b@y"], { env });
    expect(sent.stdout).toMatch(/^b@y: success: ok \d+ qp 1\n$/);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  });

  test("--server overrides QMTP_SERVER", async () => {
    const [sink, other] = [await startSink(), await startScriptedServer()];
    const sent = await qmtp(["send", "-f", "a@x", "-s", sink.endpoint, "b@y"], {
      env: { QMTP_SERVER: other.endpoint },
    });
    expect(sent.code).toBe(0);
    expect(other.connections).toBe(0);
  });

  test("localhost, port 209, is the default", async () => {
    for (const env of [{}, { QMTP_SERVER: "" }, { QMTP_SERVER: " " }]) {
      const dry = await qmtp(["send", "-n", "-f", "a@x", "b@y"], { env: { ...emptyQmailHome(), ...env } });
      expect(dry.stdout).toMatch(/^server: qmtp:\/\/localhost:209\n/);
    }
  });
});

describe("control/qmtpservers", () => {
  test("names the servers of send if neither an option nor QMTP_SERVER does", async () => {
    const sink = await startSink();
    const env = homeWith("# one that cannot be reached", `127.0.0.1:${await unusedPort()}`, sink.endpoint);
    const sent = await qmtp(["send", "-f", "a@x", "b@y"], { env, input: "hi\n" });
    expect(sent.stdout).toMatch(/^b@y: success: ok \d+ qp 1\n$/);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(await sink.nextLine()).toBe("a@x -> b@y success; 3 bytes, unix");
  });

  test("names those of maildir, too", async () => {
    const sink = await startSink();
    const maildir = maildirWith({ "new/1.h": [9, mail("b@y")] });
    expect((await qmtp(["maildir", "-q", maildir], { env: homeWith(sink.endpoint) })).code).toBe(0);
    expect(filesLeft(maildir)).toEqual([]);
  });

  test("gives way to QMTP_SERVER and --server, and is not even read", async () => {
    const env = homeWith("bad endpoint");
    const dry = (args: string[], more = {}) =>
      qmtp(["send", "-n", "-f", "a@x", "b@y", ...args], { env: { ...env, ...more } });
    expect((await dry(["-s", "one"])).stdout).toMatch(/^server: qmtp:\/\/one:209\n/);
    expect((await dry([], { QMTP_SERVER: "two" })).stdout).toMatch(/^server: qmtp:\/\/two:209\n/);
  });

  test("that is wrong or cannot be read is an error, with exit code 111, and nothing is sent", async () => {
    const env = homeWith("one", "two:x");
    const file = `${env.QMAILHOME}/control/qmtpservers`;
    const run = () => qmtp(["send", "-f", "a@x", "b@y"], { env });
    const wrong = await run();
    expect(wrong).toMatchObject({ code: 111, stdout: "" });
    expect(wrong.stderr).toMatch(new RegExp(`^qmtp: ${file}, line 2: bad endpoint 'two:x': .+\n$`));
    rmSync(file);
    mkdirSync(file);
    const stderr = `qmtp: cannot read ${file}: it is a directory; make it readable for this user\n`;
    expect(await run()).toEqual({ code: 111, signal: null, stdout: "", stderr });
  });
});

test.each([
  ["one,two", "bad endpoint 'one,two': this is not a host name"],
  ["one; two", "bad endpoint 'one;': this is not a host name"],
  ["one two:x", "bad endpoint 'two:x': 'two:' is unknown, or the port is not a number"],
])("an error in QMTP_SERVER=%j names the variable, and how to separate several", async (value, why) => {
  const sent = await qmtp(["send", "-f", "a@x", "b@y"], { env: { QMTP_SERVER: value } });
  expect(sent).toMatchObject({ code: 100, stdout: "" });
  expect(sent.stderr.startsWith(`qmtp: QMTP_SERVER: ${why}; write host, `)).toBe(true);
  expect(sent.stderr.endsWith("; separate several with spaces\n")).toBe(true);
});

test("a unix socket works as well as a port", async () => {
  const path = `${temporaryFolder()}/sink.sock`;
  const sink = await startSink(["--listen", `unix:${path}`]);
  expect(sink.endpoint).toBe(`unix:${path}`);
  const sent = await send("-s", `unix:${path}`, "b@y", "--json");
  const server = { endpoint: `unix:${path}`, address: null, port: null, tls: null };
  expect(JSON.parse(sent.stdout)).toMatchObject({ outcome: "success", server });
});
