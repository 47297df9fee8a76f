import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { deliverMaildir, filesLeft, grow, mail, maildirWith } from "../../support/maildirs.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

const isRoot = process.getuid?.() === 0;

/** For tests that need a file its owner cannot read or remove: root can do both. */
function skipsForRoot(what: string): boolean {
  if (isRoot) console.log(`skipped: ${what}, because root may read and remove everything`);
  return isRoot;
}

const HEADLESS = "it does not begin with 'Return-Path: <sender>' and 'Delivered-To: recipient'";

/** Junk by name, with a file's content (one character per byte) or a function that creates it. */
const junk: Record<string, [name: string, make: string | ((path: string) => void), why: string]> = {
  "a named pipe": ["fifo", (path) => execFileSync("mkfifo", [path]), "it is a named pipe"],
  "a directory": ["folder", (path) => mkdirSync(path), "it is a directory"],
  "a link to nothing": ["link", (path) => symlinkSync("/none", path), "it is a symbolic link to nothing"],
  "a link to itself": ["loop", (path) => symlinkSync(path, path), "too many symbolic links"],
  "a link to a device": ["zero", (path) => symlinkSync("/dev/zero", path), "it is a device"],
  "an empty file": ["empty", "", "it is empty"],
  "a lone line feed": ["lf", "\n", HEADLESS],
  "no head": ["headless", "Subject: x\n\nhi\n", HEADLESS],
  "half a head": ["half", "Return-Path: <a@x>\n", HEADLESS],
  "an unfinished head": ["endless", "Return-Path: <a@x>\nDelivered-To: b@y", HEADLESS],
  "no recipient line": ["other", "Return-Path: <a@x>\nSubject: x\nDelivered-To: b@y\n", HEADLESS],
  "lines in the wrong order": ["order", "Delivered-To: b@y\nReturn-Path: <a@x>\n", HEADLESS],
  "a sender without brackets": ["bare", "Return-Path: a@x\nDelivered-To: b@y\n", HEADLESS],
  "a head with CRLF": ["crlf", "Return-Path: <a@x>\r\nDelivered-To: b@y\r\n", HEADLESS],
  "a head line of 1 MB": [
    "long",
    `Return-Path: <${"a".repeat(1_000_000)}>\nDelivered-To: b@y\n`,
    `${HEADLESS} within its first 65536 bytes`,
  ],
  "a name with a line feed": ["one\ntwo", "", "it is empty"],
};

/** A name as standard error shows it. */
const shown = (name: string) => name.replace("\n", "\\x0a");

describe("a file that cannot be sent gets one line, and the rest are delivered", () => {
  test.each(Object.entries(junk))("%s", async (_what, [name, make, why]) => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "cur/2.h": [10, mail("c@y")] });
    place(`${maildir}/new/${name}`, make);
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    expect(run).toEqual({
      code: 111,
      signal: null,
      stdout: "new/1.h: b@y: success: ok\ncur/2.h: c@y: success: ok\n",
      stderr: `qmtp: new/${shown(name)}: skipped: ${why}\nqmtp: 2 messages: 2 success; 2 removed, 1 skipped\n`,
    });
    expect(filesLeft(maildir)).toEqual([`new/${name}`]);
  });

  test("a socket", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
    const socket = createServer().listen(`${maildir}/cur/socket`);
    await once(socket, "listening");
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    socket.close();
    expect(run.stderr).toBe(
      "qmtp: cur/socket: skipped: it is a socket\nqmtp: 1 message: 1 success; 1 removed, 1 skipped\n",
    );
    expect([run.code, run.stdout]).toEqual([111, "new/1.h: b@y: success: ok\n"]);
  });

  test("all of them at once, with a line for each", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
    for (const [name, make] of Object.values(junk)) place(`${maildir}/cur/${name}`, make);
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    const expected = Object.values(junk).map(([name, , why]) => `qmtp: cur/${shown(name)}: skipped: ${why}`);
    const count = expected.length;
    expected.push(`qmtp: 1 message: 1 success; 1 removed, ${count} skipped`);
    expect(run.stderr.trimEnd().split("\n").sort()).toEqual(expected.sort());
    expect([run.code, filesLeft(maildir).length]).toEqual([111, count]);
  });

  test.skipIf(skipsForRoot("an unreadable file in a maildir"))("an unreadable file", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "new/2.h": [10, mail("c@y")] });
    chmodSync(`${maildir}/new/1.h`, 0);
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    expect(run.stderr).toBe(
      "qmtp: new/1.h: skipped: permission denied\nqmtp: 1 message: 1 success; 1 removed, 1 skipped\n",
    );
    expect([run.code, filesLeft(maildir)]).toEqual([111, ["new/1.h"]]);
  });

  test.skipIf(skipsForRoot("an unreadable maildir"))("an unreadable maildir", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")] });
    chmodSync(`${maildir}/new`, 0);
    const server = await startScriptedServer();
    const run = await deliverMaildir(maildir, ["-s", server.endpoint]);
    chmodSync(`${maildir}/new`, 0o700);
    const why = `cannot read new of the maildir ${maildir}: permission denied`;
    const stderr = `qmtp: ${why}; name a folder with tmp, new and cur\n`;
    expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });
});

test("names are bytes: those with line feeds or invalid UTF-8 are delivered, printed escaped, and removed", async () => {
  const maildir = maildirWith({ "new/one\ntwo": [30, mail("b@y")], "new/x": [20, mail("c@y")] });
  const named = (bytes: string) => Buffer.from(`${maildir}/new/${bytes}`, "latin1");
  renameSync(`${maildir}/new/x`, named("\xff\xfe.\x1b[31m:2,S"));
  const sink = await startSink();
  const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
  expect(run.stdout).toBe(
    "new/one\\x0atwo: b@y: success: ok\nnew/\\xff\\xfe.\\x1b[31m:2,S: c@y: success: ok\n",
  );
  expect([run.code, filesLeft(maildir)]).toEqual([0, []]);
});

test("a file that cannot be removed is reported as delivered twice, is not sent again, and stays", async () => {
  const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "cur/2.h": [10, mail("c@y")] });
  // To a check beforehand, a folder to which files can only be added looks writable.
  const release = withAttribute("a", `${maildir}/new`);
  if (release === undefined) return;
  try {
    const sink = await startSink();
    const run = await deliverMaildir(maildir, ["-s", sink.endpoint]);
    const why = `it will be delivered twice: cannot remove the file: operation not permitted`;
    expect(run).toEqual({
      code: 111,
      signal: null,
      stdout: `new/1.h: b@y: success: ok (${why})\ncur/2.h: c@y: success: ok\n`,
      stderr: "qmtp: 2 messages: 2 success; 1 removed, 1 kept\n",
    });
    expect(filesLeft(maildir)).toEqual(["new/1.h"]);
    // Each was sent once.
    expect((await sink.stop()).stdout.trimEnd().split("\n").length).toBe(2);
  } finally {
    release();
  }
});

describe.each(["new", "cur"])("if %s cannot be written", (folder) => {
  test("nothing is sent, and one line says why, with exit code 111", async () => {
    const maildir = maildirWith({ "new/1.h": [20, mail("b@y")], "cur/2.h": [10, mail("c@y")] });
    const release = isRoot ? withAttribute("i", `${maildir}/${folder}`) : readOnly(`${maildir}/${folder}`);
    if (release === undefined) return;
    try {
      const server = await startScriptedServer();
      const run = await deliverMaildir(maildir, ["-s", server.endpoint]);
      const why = isRoot ? "operation not permitted" : "permission denied";
      const line = `cannot remove files from ${folder} of the maildir ${maildir}: ${why}`;
      const stderr = `qmtp: ${line}; nothing was sent; make it writable for this user\n`;
      expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr });
      expect([filesLeft(maildir), server.connections]).toEqual([["cur/2.h", "new/1.h"], 0]);
      expect((await deliverMaildir(maildir, ["-n", "-s", server.endpoint])).code).toBe(0);
    } finally {
      release();
    }
  });
});

function readOnly(folder: string): () => void {
  chmodSync(folder, 0o500);
  return () => chmodSync(folder, 0o700);
}

/** Sets an attribute that also root must heed; returns the undo, or undefined if this machine cannot. */
function withAttribute(attribute: string, folder: string): (() => void) | undefined {
  try {
    execFileSync("chattr", [`+${attribute}`, folder], { stdio: "ignore" });
    return () => execFileSync("chattr", [`-${attribute}`, folder]);
  } catch {
    console.log(`skipped: files that cannot be removed, because chattr +${attribute} does not work here`);
    return undefined;
  }
}

/** Dated a minute before the run: a newer file may still be arriving. */
function place(path: string, make: string | ((path: string) => void)): void {
  if (typeof make !== "string") {
    make(path);
    return;
  }
  writeFileSync(path, make, "latin1");
  grow(path, 60);
}
