import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const RESPONSE = "3:Kok,";

/** This many messages, oldest first, to numbered recipients. */
function numbered(count: number): Record<string, [number, string]> {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return Object.fromEntries(
    numbers.map((number) => [`new/${number}.h`, [900 - number, mail(`r${number}@y`)]]),
  );
}

/** A server in this process; `handle` gets the bytes as they arrive. */
async function startServer(
  handle: (text: string, answer: (response: string) => void, close: () => void) => void,
) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) =>
      handle(
        chunk.toString("latin1"),
        (response) => socket.write(response),
        () => socket.destroy(),
      ),
    );
  });
  const path = `${temporaryFolder()}/socket`;
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    server.close();
  });
  return `unix:${path}`;
}

test("a server that responds twice to each message still gets them all, and the run does not claim success", async () => {
  const folder = `${temporaryFolder()}/taken`;
  const sink = await startSink(["--maildir", folder, "--fault", "extra-response"]);
  const maildir = maildirWith(numbered(300));
  const { code, stderr } = await deliverMaildir(maildir, ["-q", "-s", sink.endpoint]);
  expect(code).toBe(111);
  expect(stderr).toMatch(/^qmtp: the server broke the protocol at byte \d+: a response to nothing/);
  expect(filesLeft(maildir)).toEqual([]);
  // The surplus responses let the client finish before the server does.
  for (let taken = 0; taken < 300; taken++) await sink.nextLine();
  expect(readdirSync(`${folder}/new`).length).toBe(300);
});

test("a run with no time to begin leaves the messages and says so", async () => {
  const maildir = maildirWith(numbered(2));
  const run = await deliverMaildir(maildir, ["--max-time", "0.00001", "-s", "unix:/nowhere"]);
  const stderr = "qmtp: 0 messages: 2 not sent (the run was ended after 0.00001 s)\n";
  expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr });
  expect(filesLeft(maildir).length).toBe(2);
});

test("a named pipe in place of the lock does not block the run", async () => {
  const maildir = maildirWith(numbered(1));
  execFileSync("mkfifo", [`${maildir}/.qmtp-lock`]);
  const { code, stderr } = await deliverMaildir(maildir, ["-s", "unix:/nowhere"]);
  expect([code, stderr]).toEqual([
    111,
    `qmtp: cannot lock the maildir ${maildir}: ${maildir}/.qmtp-lock is a named pipe or a socket; remove it\n`,
  ]);
});

test("odd entries in tmp do not stop a run", async () => {
  const sink = await startSink();
  const maildir = maildirWith(numbered(1));
  symlinkSync("loop", `${maildir}/tmp/loop`);
  mkdirSync(`${maildir}/tmp/folder`);
  expect((await deliverMaildir(maildir, ["-s", sink.endpoint])).code).toBe(0);
});

test("a message that a mail reader moves during delivery is sent once and removed from its new place", async () => {
  const maildir = maildirWith(numbered(1));
  let packages = 0;
  const endpoint = await startServer((_, answer) => {
    packages++;
    renameSync(`${maildir}/new/0.h`, `${maildir}/cur/0.h:2,S`);
    answer(RESPONSE);
  });
  const { code, stdout } = await deliverMaildir(maildir, ["-s", endpoint]);
  expect([code, stdout]).toEqual([0, "new/0.h: r0@y: success: ok\n"]);
  expect(packages).toBe(1);
  expect(filesLeft(maildir)).toEqual([]);
});

test("messages that make the server hang up do not hold back the others", async () => {
  // The four oldest: more than the rounds allowed without progress.
  const poison = /r[0-3]@y/;
  const endpoint = await startServer((text, answer, close) => {
    const recipients = text.match(/r\d+@y/g) ?? [];
    const first = recipients.findIndex((recipient) => poison.test(recipient));
    answer(RESPONSE.repeat(first === -1 ? recipients.length : first));
    if (first !== -1) close();
  });
  const maildir = maildirWith(numbered(10));
  const { code } = await deliverMaildir(maildir, ["-s", endpoint]);
  expect(code).toBe(111);
  expect(filesLeft(maildir)).toEqual(["new/0.h", "new/1.h", "new/2.h", "new/3.h"]);
});
