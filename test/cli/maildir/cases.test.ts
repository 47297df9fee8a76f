import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { wirePackage } from "../../support/wire.ts";
import { expectCase, type MaildirCase } from "./expect-case.ts";

const DAY = 86_400;
const NO = "failure: sorry, this recipient is refused here (#5.7.1)";
const LATER = "deferral: sorry, this recipient is deferred here (#4.3.0)";

/** The body that `mail` writes is 15 bytes long. */
const TAKEN = "15 bytes, unix";

describe("files in; packages sent; files left, lines, exit code", () => {
  const rows: Record<string, MaildirCase> = {
    "an empty maildir prints nothing": { files: {}, received: [], left: [], code: 0 },
    "oldest first, new and cur together, flags in names": {
      files: {
        "new/1.h": [20, mail("third@y")],
        "new/2.h": [40, mail("first@y")],
        "cur/3.h:2,FS": [30, mail("second@y")],
        "cur/0.h:2,": [10, mail("fourth@y", "hi", "")],
      },
      received: [
        `a@x -> first@y success; ${TAKEN}`,
        `a@x -> second@y success; ${TAKEN}`,
        `a@x -> third@y success; ${TAKEN}`,
        "<> -> fourth@y success; 2 bytes, unix",
      ],
      left: [],
      out: [
        "new/2.h: first@y: success: ok",
        "cur/3.h:2,FS: second@y: success: ok",
        "new/1.h: third@y: success: ok",
        "cur/0.h:2,: fourth@y: success: ok",
      ],
      err: ["qmtp: 4 messages: 4 success; 4 removed"],
      code: 0,
    },
    "names that begin with a dot, and files that may still be arriving, are left alone": {
      files: {
        "new/.1.h": [20, mail("b@y")],
        "cur/.2.h": [20, mail("b@y")],
        "new/3.h": [-3_600, mail("b@y")],
      },
      received: [],
      left: ["new/.1.h", "cur/.2.h", "new/3.h"],
      code: 0,
    },
    "the prefix is stripped, and files for other recipients are silently ignored": {
      files: {
        "new/1.h": [30, mail("ppp-b@y")],
        "new/2.h": [20, mail("pp-c@y")],
        "new/3.h": [15, mail("PPP-d@y")],
        "new/4.h": [10, mail("ppp-")],
      },
      prefix: "ppp-",
      received: [`a@x -> b@y success; ${TAKEN}`, `a@x ->  success; ${TAKEN}`],
      left: ["new/2.h", "new/3.h"],
      out: ["new/1.h: b@y: success: ok", "new/4.h: <>: success: ok"],
      err: ["qmtp: 2 messages: 2 success; 2 removed"],
      code: 0,
    },
    "without --bounce, messages with a deferral or a failure are both kept": {
      files: {
        "new/1.h": [3 * DAY, mail("later@y")],
        "new/2.h": [2 * DAY, mail("no@y")],
        "new/3.h": [DAY, mail("b@y")],
      },
      left: ["new/1.h", "new/2.h"],
      out: [`new/1.h: later@y: ${LATER}`, `new/2.h: no@y: ${NO} (kept)`, "new/3.h: b@y: success: ok"],
      err: ["qmtp: 3 messages: 1 success, 1 deferral, 1 failure; 1 removed, 2 kept"],
      code: 111,
    },
    "an expired deferral becomes a failure, and is kept without --bounce": {
      files: { "new/1.h": [100, mail("later@y")], "new/2.h": [20, mail("later@y")] },
      options: ["-t", "60"],
      left: ["new/1.h", "new/2.h"],
      out: [
        "new/1.h: later@y: failure: sorry, this recipient is deferred here (#4.3.0) (expired; kept)",
        `new/2.h: later@y: ${LATER}`,
      ],
      err: ["qmtp: 2 messages: 1 deferral, 1 failure; 2 kept"],
      code: 111,
    },
    "with a lifetime of 0, every deferral expires": {
      files: { "new/1.h": [2, mail("later@y")] },
      options: ["-t", "0"],
      left: ["new/1.h"],
      out: ["new/1.h: later@y: failure: sorry, this recipient is deferred here (#4.3.0) (expired; kept)"],
      err: ["qmtp: 1 message: 1 failure; 1 kept"],
      code: 111,
    },
    "a message that the server accepts is delivered, however old it is": {
      files: { "new/1.h": [1_000 * DAY, mail("b@y")] },
      options: ["-b", "-t", "60"],
      left: [],
      out: ["new/1.h: b@y: success: ok"],
      err: ["qmtp: 1 message: 1 success; 1 removed"],
      code: 0,
    },
    "--quiet prints what did not succeed, and the summary only if something is left": {
      files: { "new/1.h": [30, mail("b@y")], "new/2.h": [20, mail("later@y")] },
      options: ["-q"],
      left: ["new/2.h"],
      out: [`new/2.h: later@y: ${LATER}`],
      err: ["qmtp: 2 messages: 1 success, 1 deferral; 1 removed, 1 kept"],
      code: 111,
    },
    "--quiet prints nothing if all went well": {
      files: { "new/1.h": [30, mail("b@y")] },
      options: ["-q"],
      left: [],
      code: 0,
    },
  };
  test.each(Object.entries(rows))("%s", (_name, row) => expectCase(row));
});

test("the head is stripped and every byte after it is sent unchanged, even from a file too large for one read", async () => {
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
  const small = `one\r\n\rtwo\r\r\n\n${every}no end`;
  const large = `${every}\r\n`.repeat(2_000);
  const maildir = maildirWith({
    "new/1.h": [30, mail('"b c"@y\xff', small, 'a"b@x\xfe')],
    "new/2.h": [20, mail("c@y", large)],
    "new/3.h": [10, mail("d@y", "")],
  });
  const bytes = Buffer.concat([
    wirePackage({
      message: Buffer.from(small, "latin1"),
      sender: Buffer.from('a"b@x\xfe', "latin1"),
      recipients: [Buffer.from('"b c"@y\xff', "latin1")],
    }),
    wirePackage({ message: Buffer.from(large, "latin1"), recipients: ["c@y"] }),
    wirePackage({ message: "", recipients: ["d@y"] }),
  ]);
  const server = await startScriptedServer({ reply: "3:Kok,".repeat(3), after: bytes.length });
  const run = await deliverMaildir(maildir, ["-s", server.endpoint]);
  expect(server.received.equals(bytes)).toBe(true);
  expect(run.stdout).toBe(
    'new/1.h: "b c"@y\\xff: success: ok\nnew/2.h: c@y: success: ok\nnew/3.h: d@y: success: ok\n',
  );
  expect([run.code, filesLeft(maildir), server.connections]).toEqual([0, [], 1]);
});

test("a sink stores exactly what was in the maildir", async () => {
  const stored = maildirWith({});
  const maildir = maildirWith({ "cur/1.h:2,S": [10, mail("b@y", "Subject: x\r\n\r\n\rhi")] });
  const sink = await startSink(["--maildir", stored]);
  expect((await deliverMaildir(maildir, ["-s", sink.endpoint])).code).toBe(0);
  const [name] = readdirSync(`${stored}/new`);
  expect(readFileSync(`${stored}/new/${name}`, "latin1")).toBe(
    "Return-Path: <a@x>\nDelivered-To: b@y\nSubject: x\r\n\r\n\rhi",
  );
});

test("nothing expires while the server cannot be reached: one line each, exit code 111", async () => {
  const files = { "new/1.h": [1_000 * DAY, mail("b@y")], "cur/2.h": [500 * DAY, mail("c@y")] } as const;
  const maildir = maildirWith(files);
  const port = await unusedPort();
  const run = await deliverMaildir(maildir, ["-b", "-t", "0", "-s", `127.0.0.1:${port}`]);
  const why = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
  expect(run.stdout).toBe(`new/1.h: b@y: deferral: ${why}\ncur/2.h: c@y: deferral: ${why}\n`);
  // Three rounds: the two reconnections print the same line, which is shown once.
  expect(run.stderr).toBe(`qmtp: ${why}; connecting again\nqmtp: 2 messages: 2 deferral; 2 kept\n`);
  expect([run.code, filesLeft(maildir)]).toEqual([111, ["cur/2.h", "new/1.h"]]);
});

test("a broken session leaves one line per message, and one with the number of possible duplicates", async () => {
  const maildir = maildirWith({ "new/1.h": [30, mail("b@y")], "new/2.h": [20, mail("c@y")] });
  const length = ["b@y", "c@y"].reduce(
    (sum, recipient) => sum + wirePackage({ message: "Subject: x\n\nhi\n", recipients: [recipient] }).length,
    0,
  );
  const server = await startScriptedServer({ reply: "", after: length, close: true });
  const run = await deliverMaildir(maildir, ["-b", "-t", "0", "-s", server.endpoint]);
  const why = "deferral: connection closed before a response came";
  expect(run.stdout.trimEnd().split("\n").sort()).toEqual([`new/1.h: b@y: ${why}`, `new/2.h: c@y: ${why}`]);
  const duplicates = "up to 2 messages may be delivered twice: sent once without a response";
  expect(run.stderr.split("\n").slice(-3)).toEqual([
    `qmtp: ${duplicates}`,
    "qmtp: 2 messages: 2 deferral; 2 kept",
    "",
  ]);
  expect([run.code, filesLeft(maildir)]).toEqual([111, ["new/1.h", "new/2.h"]]);
  expect(server.connections, "three rounds without a result").toBe(3);
});

test("files in tmp not read for more than 129,600 seconds are removed, and no others", async () => {
  const maildir = maildirWith({
    "tmp/old": [0, "x"],
    "tmp/young": [0, "x"],
    "tmp/.hidden": [0, "x"],
    "tmp/read": [0, "x"],
  });
  const now = Date.now() / 1_000;
  utimesSync(`${maildir}/tmp/old`, now - 129_660, now);
  utimesSync(`${maildir}/tmp/young`, now - 129_540, now);
  // atime counts, not mtime.
  utimesSync(`${maildir}/tmp/read`, now, now - 1_000_000);
  const run = await deliverMaildir(maildir, ["-s", `127.0.0.1:${await unusedPort()}`]);
  expect(run).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(filesLeft(maildir)).toEqual(["tmp/.hidden", "tmp/read", "tmp/young"]);
});
