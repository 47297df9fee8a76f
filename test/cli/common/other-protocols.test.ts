import { expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { emptyQmailHome, mail, maildirWith } from "../../support/maildirs.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

const PORT = "name the port of a QMTP server, which is usually 209";

const send = (server: string, ...more: string[]) =>
  qmtp(["send", "-s", server, "-f", "a@x", ...more, "b@y", "c@y"], { input: "hi\n" });

test.each([
  ["220 mx.example.org ESMTP Postfix\r\n", "220 mx.example.org ESMTP Postfix", "an SMTP server", PORT],
  ["HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request", "an HTTP server", PORT],
  ["SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1", "an SSH server", PORT],
  ["+OK ready\r\n", "+OK ready", "a POP3 server", PORT],
  ["* OK IMAP4rev1\r\n", "* OK IMAP4rev1", "an IMAP server", PORT],
  ["220 FTP server\r\n", "220 FTP server", "an FTP server", PORT],
  [
    Uint8Array.from([0x15, 3, 3, 0, 2, 2, 70]),
    "\\x15\\x03\\x03\\x00\\x02\\x02F",
    "TLS",
    "for QMTP over TLS, use qmtps://",
  ],
])("%j is quoted, and its protocol named", async (reply, quoted, what, remedy) => {
  const server = await startScriptedServer({ reply, close: true });
  const text = `it answered "${quoted}": this looks like ${what}; ${remedy}`;
  const sent = await send(server.endpoint);
  expect(sent).toMatchObject({ code: 111, stdout: `b@y: deferral: ${text}\nc@y: deferral: ${text}\n` });
  // Nothing was delivered, so sending again doubles nothing.
  const { deliveries, error } = JSON.parse((await send(server.endpoint, "--json")).stdout);
  expect(error).toEqual({ code: "protocol-violation", fault: "remote", message: text });
  expect(deliveries).toEqual([
    expect.objectContaining({ text, possibleDuplicate: false }),
    expect.objectContaining({ text, possibleDuplicate: false }),
  ]);
});

test("a greeting that comes in pieces is quoted as far as it came", async () => {
  const sink = await startSink(["--fault", "smtp-banner"]);
  const { code, stdout } = await send(sink.endpoint);
  const line = 'deferral: it answered "220 sink.example.org ESMTP": this looks like an SMTP server; ';
  expect({ code, stdout }).toEqual({ code: 111, stdout: `b@y: ${line}${PORT}\nc@y: ${line}${PORT}\n` });
});

test("an unknown protocol is quoted, and cannot drive the terminal", async () => {
  const server = await startScriptedServer({ reply: "\u001b[2Jhello\n", close: true });
  const { code, stdout } = await send(server.endpoint);
  expect(code).toBe(111);
  expect(stdout).toMatch(/^b@y: deferral: the server broke the protocol: it answered "\\x1b\[2Jhello"/);
});

test("bytes after a response are no greeting", async () => {
  const server = await startScriptedServer({ reply: "3:Kok,220 mx ESMTP\r\n", after: 29 });
  const { stdout } = await send(server.endpoint);
  expect(stdout).toContain("b@y: success: ok\nc@y: deferral: the server broke the protocol (");
});

test("another server than one of QMTP is not asked again", async () => {
  const server = await startScriptedServer({ reply: "220 mx ESMTP\r\n" });
  const { code } = await send(server.endpoint, "--retry", "3", "--retry-delay", "0.001");
  expect(code).toBe(111);
  expect(server.connections).toBe(1);
});

test("maildir, queue and sendmail say the same", async () => {
  const server = await startScriptedServer({ reply: "220 mx ESMTP\r\n" });
  const text = `it answered "220 mx ESMTP": this looks like an SMTP server; ${PORT}`;
  const folder = maildirWith({ "new/1.h": [9, mail("b@y")] });
  const run = await qmtp(["maildir", "-s", server.endpoint, folder, ""], { env: emptyQmailHome() });
  expect(run).toMatchObject({ code: 111, stdout: `new/1.h: b@y: deferral: ${text}\n` });
  const mailed = await qmtp(["sendmail", "-s", server.endpoint, "-f", "a@x", "b@y"], { input: "hi\n" });
  expect(mailed).toMatchObject({ code: 75 });
  expect(mailed.stderr).toContain(`qmtp: b@y: deferral: ${text}\n`);
});
