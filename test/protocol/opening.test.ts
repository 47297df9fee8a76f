import { describe, expect, test } from "vitest";
import { openingOf } from "../../src/protocol/opening.ts";

const opening = (bytes: string) => openingOf(Buffer.from(bytes, "latin1"));

describe("a server of another protocol is known by its first bytes", () => {
  test.each([
    ["smtp", "220 mx.example.org ESMTP\r\n250 more\r\n", "220 mx.example.org ESMTP"],
    ["smtp", "220-mx.example.org ESMTP\r\n", "220-mx.example.org ESMTP"],
    ["smtp", "554 no\r\n", "554 no"],
    ["smtp", "421 too busy\n", "421 too busy"],
    ["smtp", "220 ftp.example.org ESMTP\r\n", "220 ftp.example.org ESMTP"],
    ["ftp", "220 (vsFTPd 3.0.3)\r\n", "220 (vsFTPd 3.0.3)"],
    ["ftp", "220 ProFTPD Server\r\n", "220 ProFTPD Server"],
    ["http", "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "HTTP/1.1 400 Bad Request"],
    ["http", "<html>\r\n<head>", "<html>"],
    [
      "http",
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n',
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">',
    ],
    ["ssh", "SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH_9.2p1"],
    ["pop3", "+OK ready <1.2@x>\r\n", "+OK ready <1.2@x>"],
    ["pop3", "-ERR no\r\n", "-ERR no"],
    ["imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n", "* OK [CAPABILITY IMAP4rev1] ready"],
    ["tls", "\x15\x03\x03\x00\x02\x02\x46", "\\x15\\x03\\x03\\x00\\x02\\x02F"],
    ["tls", "\x16\x03\x01\x00\x0a\r\n", "\\x16\\x03\\x01\\x00\\x0a\\x0d\\x0a"],
    [undefined, "hello\n", "hello"],
    [undefined, "", ""],
    [undefined, "\n\x1b[2J", "\\x0a\\x1b[2J"],
    [undefined, "\xffé", "\\xff\\xe9"],
    [undefined, "+1 -ERROR", "+1 -ERROR"],
  ])("%s: %j", (protocol, bytes, quoted) => {
    expect(opening(bytes)).toEqual({ protocol, quoted });
  });

  test("what looks like a netstring says nothing about a protocol", () => {
    for (const bytes of ["03:Kok,", "3x:Kok,", "22", "2200 x", "120 Kok,"])
      expect(opening(bytes)).toBeUndefined();
  });

  test("64 bytes are quoted, and no more", () => {
    const banner = `220 ${"x".repeat(60)}`;
    expect(opening(`${banner}yyy\r\n`)?.quoted).toBe(`${banner}...`);
    expect(opening(`220 ${"x".repeat(59)}\r\n`)?.quoted).toBe(`220 ${"x".repeat(59)}`);
    expect(opening("\x1b".repeat(100_000))?.quoted).toBe(`${"\\x1b".repeat(64)}...`);
  });
});
