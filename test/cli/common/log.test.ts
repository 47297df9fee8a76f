import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { newMark } from "../../support/leftovers.ts";
import { mail, maildirWith } from "../../support/maildirs.ts";
import { finished, qmtp as qmtpProcess, startQmtp, stopAll } from "../../support/processes.ts";
import { ENVELOPE, homeWith, queueHere } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { sendmail } from "../../support/sendmail.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The lines of a log without the time and the milliseconds, which are checked here. */
function linesOf(log: string): string[][] {
  const text = readFileSync(log, "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [time = "", message, sender, recipient, status, remarks, server, ms, words, ...more] =
        line.split("\t");
      expect(time).toMatch(TIME);
      expect(ms).toMatch(/^\d+$/);
      expect(more).toEqual([]);
      return [message, sender, recipient, status, remarks, server, words] as string[];
    });
}

const logPath = () => `${temporaryFolder()}/mail.log`;
const send = (log: string, server: string, ...args: string[]) =>
  qmtp(["send", "--log", log, "-s", server, "-f", "a@x", ...args], {
    input: "Subject: x\nMessage-ID: <1.2@example.org>\n\nhi\n",
  });

describe("qmtp send", () => {
  test("appends a line per delivery", async () => {
    const sink = await startSink(["--defer", "^later@: try later", "--reject", "^no@: no such user"]);
    const log = logPath();
    writeFileSync(log, "kept\n");
    const { code, stderr } = await send(log, sink.endpoint, "b@y", "later@y", "no@y", "b@y");
    expect({ code, stderr }).toEqual({ code: 111, stderr: "" });
    const text = readFileSync(log, "utf8");
    expect(text.startsWith("kept\n")).toBe(true);
    writeFileSync(log, text.slice("kept\n".length));
    const of = (recipient: string, status: string, words: unknown) => [
      ...["<1.2@example.org>", "a@x", recipient, status, "-", sink.endpoint, words],
    ];
    const ok = expect.stringMatching(/^ok \d+ qp 1$/);
    expect(linesOf(log)).toEqual([
      of("b@y", "success", ok),
      of("later@y", "deferral", "try later"),
      of("no@y", "failure", "no such user"),
      of("b@y", "success", ok),
    ]);
  });

  test("keeps nine fields, whatever addresses, servers and responses contain", async () => {
    const log = logPath();
    const server = await startScriptedServer({ reply: "16:Dno\tsuch\nuser\u001b[2,", after: 70 });
    await send(log, server.endpoint, "--literal", "b c,d@y");
    await send(log, "exec:exit 3 #\ta b", "b@y");
    const [first, second] = linesOf(log);
    expect(first?.[2]).toBe("b\\x20c,d@y");
    expect(first?.[6]).toBe("no\\x09such\\x0auser\\x1b[2");
    expect(second?.[5]).toBe("exec:exit\\x203\\x20#\\x09a\\x20b");
    // Whether it splits at tabs or at any white space, awk finds the same.
    for (const separator of ["\\t", " "]) {
      const found = execFileSync("awk", ["-F", separator, "{ print $4, $5, $7 }", log], { encoding: "utf8" });
      expect(found).toBe(`b\\x20c,d@y failure ${first?.[5]}\nb@y deferral ${second?.[5]}\n`);
    }
  });

  test("names a message without Message-ID by its file, and one without either by a dash", async () => {
    const sink = await startSink();
    const log = logPath();
    const file = `${temporaryFolder()}/a b.eml`;
    writeFileSync(file, "Subject: x\n\nMessage-ID: <not@header>\n");
    await send(log, sink.endpoint, "--file", file, "b@y");
    await qmtp(["send", "--log", log, "-s", sink.endpoint, "-f", "", "b@y"], { input: "hi\n" });
    await send(log, sink.endpoint, "--subject", "composed", "--body", "hi", "b@y");
    writeFileSync(file, "Subject: x\r\nmessage-id:\r\n <folded@x>\r\n\r\nhi\r\n");
    await send(log, sink.endpoint, "--encoding", "dos", "--file", file, "b@y");
    const lines = linesOf(log);
    expect(lines.map(([message]) => message)).toEqual([
      file.replace(" ", "\\x20"),
      "-",
      expect.stringMatching(/^<.+@.+>$/),
      "<folded@x>",
    ]);
    expect(lines[1]?.[1]).toBe("<>");
  });

  test("has the remarks, the reason and the server when nothing was answered", async () => {
    const log = logPath();
    const server = await startScriptedServer({ reply: "", after: 40, close: true });
    await send(log, server.endpoint, "--spool", `${temporaryFolder()}/spool`, "b@y");
    const port = await unusedPort();
    await send(log, `127.0.0.1:${port}`, "b@y");
    const [lost, refused] = linesOf(log);
    expect(lost?.slice(3, 5)).toEqual(["deferral", "possible-duplicate,spooled"]);
    expect(refused?.slice(3, 7)).toEqual([
      "deferral",
      "-",
      `qmtp://127.0.0.1:${port}`,
      `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`,
    ]);
  });

  test("names the server that answered, if a retry met another", async () => {
    const log = logPath();
    const sink = await startSink(["--defer", "^later@", "--exit-after", "1"]);
    const other = await startSink();
    const retry = ["--retry", "1", "--retry-delay", "0.2", "-s", other.endpoint];
    await send(log, sink.endpoint, ...retry, "b@y", "later@y");
    expect(linesOf(log).map((line) => [line[2], line[3], line[5]])).toEqual([
      ["b@y", "success", sink.endpoint],
      ["later@y", "success", other.endpoint],
    ]);
  });

  test("writes nothing with --dry-run", async () => {
    const log = logPath();
    await send(log, "127.0.0.1:1", "-n", "b@y");
    expect(existsSync(log)).toBe(false);
  });
});

describe("the other commands", () => {
  test("maildir names the file, and says what became of it", async () => {
    const sink = await startSink(["--reject", "^no@: no", "--defer", "^later@"]);
    const log = logPath();
    const maildir = maildirWith({
      "new/1.h": [9, mail("b@y")],
      "new/2.h": [9, mail("no@y", undefined, "")],
      "new/3 4.h": [9, mail("later@y")],
    });
    await qmtp(["maildir", "-q", "--log", log, "-s", sink.endpoint, maildir, ""]);
    expect(
      linesOf(log)
        .map((line) => line.slice(0, 6))
        .sort(),
    ).toEqual([
      [`${maildir}/new/1.h`, "a@x", "b@y", "success", "-", sink.endpoint],
      [`${maildir}/new/2.h`, "<>", "no@y", "failure", "kept", sink.endpoint],
      [`${maildir}/new/3\\x204.h`, "a@x", "later@y", "deferral", "-", sink.endpoint],
    ]);
  });

  test("maildir marks each message that may be delivered twice", async () => {
    const log = logPath();
    const server = await startScriptedServer({ reply: "", after: 20, close: true });
    const maildir = maildirWith({ "new/1.h": [9, mail("b@y")] });
    await qmtp(["maildir", "--log", log, "-s", server.endpoint, maildir, ""]);
    expect(linesOf(log).map((line) => line[4])).toEqual(["possible-duplicate"]);
  });

  test("queue and sendmail", async () => {
    const sink = await startSink();
    const log = logPath();
    await queueHere({ args: ["--log", log], env: homeWith(sink.endpoint), envelope: ENVELOPE });
    await sendmail(["--log", log, "-s", sink.endpoint, "-f", "a@x", "b@y"]);
    expect(linesOf(log).map((line) => line.slice(0, 4))).toEqual([
      ["-", "a@x", "b@y", "success"],
      ["<1@x>", "a@x", "b@y", "success"],
    ]);
  });
});

describe("a log that cannot be written", () => {
  test.each([
    ["/none/mail.log", "no such file or directory"],
    ["/", "it is a directory"],
    ["", "no such file or directory"],
    ["/dev/full", "no space left on device"],
  ])("'%s' is said once, and changes nothing else", async (log, why) => {
    const sink = await startSink();
    const { code, stdout, stderr } = await send(log, sink.endpoint, "-q", "b@y", "c@y");
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "",
      stderr: `qmtp: cannot write the log ${log || "''"}: ${why}\n`,
    });
    expect(await sink.nextLine()).toContain("b@y success, c@y success");
  });

  test("a named pipe without a reader does not hold up the mail", async () => {
    const sink = await startSink();
    const log = logPath();
    execFileSync("mkfifo", [log]);
    expect(await send(log, sink.endpoint, "b@y")).toMatchObject({
      code: 0,
      stderr: `qmtp: cannot write the log ${log}: it is a socket, or a named pipe without a reader\n`,
    });
  });

  test("'-' is a usage error, because it would be a file of that name", async () => {
    const sink = await startSink();
    const { code, stdout, stderr } = await send("-", sink.endpoint, "b@y");
    expect({ code, stdout }).toEqual({ code: 100, stdout: "" });
    expect(stderr).toMatch(/^qmtp: --log needs a file[^\n]+\n$/);
    expect(existsSync("-")).toBe(false);
  });
});

test("a line that a full disk has cut does not spoil the first line of the next run", async () => {
  const sink = await startSink();
  const log = logPath();
  writeFileSync(log, "2026-01");
  for (const to of ["b@y", "c@y"]) await send(log, sink.endpoint, to);
  const [cut, first, second, end] = readFileSync(log, "utf8").split("\n");
  expect([cut, end]).toEqual(["2026-01", ""]);
  expect([first, second].map((line) => line?.split("\t")[3])).toEqual(["b@y", "c@y"]);
});

test("runs can share a log: every line is whole", async () => {
  const sink = await startSink();
  const log = logPath();
  const recipients = Array.from({ length: 300 }, (_, at) => `${"x".repeat(300)}${at}@y`);
  const list = `${temporaryFolder()}/list`;
  writeFileSync(list, recipients.join("\n"));
  const args = ["send", "--log", log, "-s", sink.endpoint, "-f", "a@x", "--subject", "x", "--body", "x"];
  const runs = Array.from({ length: 4 }, () =>
    finished(
      startQmtp([...args, "--header", "To: x:;", "--to-file", list], { stdio: ["ignore", "pipe", "pipe"] }),
    ),
  );
  for (const { code } of await Promise.all(runs)) expect(code).toBe(0);
  const lines = linesOf(log);
  expect(lines.length).toBe(4 * recipients.length);
  for (const recipient of recipients) expect(lines.filter((line) => line[2] === recipient).length).toBe(4);
});

describe("--log syslog:", () => {
  /** A PATH with a logger(1) that runs this script, and the file that it may write to. */
  function fakeLogger(script: string) {
    const folder = temporaryFolder();
    mkdirSync(`${folder}/bin`);
    writeFileSync(`${folder}/bin/logger`, `#!/bin/sh\nout=${folder}/out\n${script}\n`);
    chmodSync(`${folder}/bin/logger`, 0o755);
    return { env: { PATH: `${folder}/bin:/usr/bin:/bin` }, out: `${folder}/out` };
  }

  const sendTo = (server: string, env: Record<string, string>, ...recipients: string[]) =>
    qmtpProcess(["send", "-q", "--log", "syslog:", "-s", server, "-f", "a@x", ...recipients], {
      input: "Message-ID: <1@x>\n\nhi\n",
      env,
    });

  test("feeds one logger(1), facility mail, with the same lines", async () => {
    const sink = await startSink(["--reject", `^no@: ${"y".repeat(1_500)}`]);
    const { env, out } = fakeLogger('echo "$@" >> $out.args; cat >> $out');
    expect(await sendTo(sink.endpoint, env, "b@y", "no@y")).toMatchObject({ code: 100, stderr: "" });
    expect(readFileSync(`${out}.args`, "utf8")).toBe("-t qmtp -p mail.info\n");
    const lines = linesOf(out);
    expect(lines.map((line) => line.slice(0, 4))).toEqual([
      ["<1@x>", "a@x", "b@y", "success"],
      ["<1@x>", "a@x", "no@y", "failure"],
    ]);
    // logger would split a longer line.
    expect(lines[1]?.[6]).toMatch(/^y{700,}\.\.\.$/);
    for (const line of readFileSync(out, "utf8").split("\n")) expect(line.length).toBeLessThan(1_000);
  });

  test.each([
    ["is missing", undefined, "logger: no such file or directory"],
    ["fails at once", "echo 'logger: no syslog here' >&2; exit 1", "logger: no syslog here"],
    ["fails in silence", "cat > /dev/null; exit 3", "logger ended with exit code 3"],
  ])("a logger that %s is said once, and changes nothing else", async (_how, script, why) => {
    const sink = await startSink();
    const env = script === undefined ? { PATH: "/none" } : fakeLogger(script).env;
    expect(await sendTo(sink.endpoint, env, "b@y", "c@y")).toEqual({
      code: 0,
      signal: null,
      stdout: "",
      stderr: `qmtp: cannot write the log syslog:: ${why}\n`,
    });
  });

  test("a logger that does not end is ended, with all its processes", async () => {
    const sink = await startSink();
    const mark = newMark();
    const { env } = fakeLogger("sleep 1000; :");
    expect(await sendTo(sink.endpoint, { ...env, ...mark.env }, "b@y")).toMatchObject({
      code: 0,
      stderr: "qmtp: cannot write the log syslog:: logger did not end within 5 s\n",
    });
    expect(await mark.left()).toEqual([]);
  });

  test("starts no logger if nothing is delivered", async () => {
    const { env, out } = fakeLogger("touch $out; cat > /dev/null");
    const run = await qmtpProcess(["maildir", "--log", "syslog:", "-s", "127.0.0.1:1", maildirWith({}), ""], {
      env,
    });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(out)).toBe(false);
  });

  test("keeps the last lines after Ctrl-C, which goes to the whole group", async () => {
    const sink = await startSink(["--defer", "^later@"]);
    const { env, out } = fakeLogger("exec cat > $out");
    const args = [
      "send",
      "--log",
      "syslog:",
      "--retry",
      "1",
      "--retry-delay",
      "3000",
      "--retry-max-time",
      "9000",
    ];
    const child = startQmtp([...args, "-s", sink.endpoint, "-f", "a@x", "later@y"], {
      env,
      stdio: "pipe",
      detached: true,
    });
    const done = finished(child);
    child.stdin?.end("hi\n");
    await sink.nextLine();
    process.kill(-(child.pid as number), "SIGINT");
    expect(await done).toMatchObject({ signal: "SIGINT" });
    expect(linesOf(out).map((line) => line[3])).toEqual(["deferral"]);
  });
});
