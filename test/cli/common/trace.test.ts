import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { emptyQmailHome, mail, maildirWith } from "../../support/maildirs.ts";
import { qmtp as qmtpProcess, shell, stopAll } from "../../support/processes.ts";
import { ENVELOPE, homeWith, queueHere } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { untimed } from "../../support/transcripts.ts";

afterEach(stopAll);

const MESSAGE = "Subject: hi\n\nhi\n";
const WIRE_LENGTH = `17:\n${MESSAGE},3:a@x,6:3:b@y,,`.length;

const server = () => startScriptedServer({ reply: "3:Kok,", after: WIRE_LENGTH });
const trace = () => `${temporaryFolder()}/trace`;
const send = (args: readonly string[]) => qmtp(["send", "-f", "a@x", "b@y", ...args], { input: MESSAGE });
const fileLines = (file: string) => untimed(readFileSync(file, "utf8"));

function exchange(port: number, message: readonly string[]): string[] {
  return [
    `* connecting to qmtp://127.0.0.1:${port}`,
    `* connected to 127.0.0.1 port ${port}`,
    "> 17:\\x0a",
    ...message.map((line) => `> ${line}`),
    "> 3:a@x,",
    "> 6:3:b@y,,",
    "< 3:Kok,",
    "* all responses received; connection closed",
    "",
  ];
}

describe("--trace", () => {
  test.each([[[]], [["-v"]]])(
    "writes the transcript to a file instead of standard error, with %j",
    async (more) => {
      const [{ endpoint, port }, file] = [await server(), trace()];
      writeFileSync(file, "of an earlier run, which was longer than this one will be\n".repeat(100));
      const sent = await send(["-s", endpoint, "--trace", file, ...more]);
      expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
      expect(fileLines(file)).toEqual(exchange(port, ["[16 bytes of the message],"]));
    },
  );

  test("with -vv, the file has the message, too", async () => {
    const [{ endpoint, port }, file] = [await server(), trace()];
    expect(await send(["-s", endpoint, "--trace", file, "-vv"])).toMatchObject({ code: 0, stderr: "" });
    expect(fileLines(file)).toEqual(exchange(port, ["Subject: hi\\x0a", "\\x0a", "hi\\x0a", ","]));
  });

  test("leaves the file as it is if nothing was tried, as in a dry run or after a usage error", async () => {
    const file = trace();
    expect((await send(["-n", "--trace", file])).code).toBe(0);
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, "old\n");
    expect((await send(["-t", "-s", "unix:/none", "--trace", file, "--file", "/none"])).code).toBe(111);
    expect(readFileSync(file, "utf8")).toBe("old\n");
  });

  test("works for maildir and queue", async () => {
    const [sink, file] = [await startSink(), trace()];
    const maildir = maildirWith({ "new/1.h": [9, mail("b@y")], "new/2.h": [8, mail("c@y")] });
    const args = ["maildir", "-q", "-s", sink.endpoint, "--trace", file, maildir];
    expect(await qmtp(args, { env: emptyQmailHome() })).toMatchObject({ code: 0, stderr: "" });
    const lines = fileLines(file).filter((line) => /^> [36]:/.test(line));
    expect(lines).toEqual(["> 3:a@x,", "> 6:3:b@y,,", "> 3:a@x,", "> 6:3:c@y,,"]);
    const queued = await queueHere({
      env: homeWith(sink.endpoint),
      envelope: ENVELOPE,
      args: ["--trace", file],
    });
    expect(queued).toMatchObject({ code: 0, stderr: "" });
    expect(fileLines(file).filter((line) => line.startsWith("> 6:"))).toEqual(["> 6:3:b@y,,"]);
  });
});

describe("a file that cannot be written is an error, and nothing is sent", () => {
  const rows: ReadonlyArray<[string, (folder: string) => string, string]> = [
    ["in a folder that does not exist", (folder) => `${folder}/none/trace`, "no such file or directory"],
    ["that is a folder", (folder) => folder, "it is a directory"],
    ["with an empty name", () => "", "no such file or directory"],
  ];
  test.each(rows)("%s", async (_what, pathIn, why) => {
    const [{ endpoint }, path] = [await server(), pathIn(temporaryFolder())];
    const stderr = `qmtp: cannot write the transcript to ${path || "''"}: ${why}; name another file with --trace\n`;
    const failed = { code: 111, signal: null, stdout: "", stderr };
    expect(await send(["-s", endpoint, "--trace", path])).toEqual(failed);
    const maildir = maildirWith({ "new/1.h": [9, mail("b@y")] });
    expect(await qmtp(["maildir", "-s", endpoint, "--trace", path, maildir])).toEqual(failed);
    const queued = await queueHere({ env: homeWith(endpoint), args: ["--trace", path] });
    expect(queued).toMatchObject({ code: 55, stderr: stderr.replace("qmtp", "qmail-qmtpc") });
  });

  test("a named pipe without a reader, without a wait for one", async () => {
    const { endpoint } = await server();
    const folder = temporaryFolder();
    expect((await shell(`mkfifo ${folder}/pipe`)).code).toBe(0);
    const args = ["send", "-s", endpoint, "-f", "a@x", "b@y", "--trace", `${folder}/pipe`];
    const sent = await qmtpProcess(args, { input: MESSAGE });
    expect(sent).toMatchObject({ code: 111, stdout: "" });
    expect(sent.stderr).toMatch(/^qmtp: cannot write the transcript to .*\n$/);
  });

  test("standard output, which is for results", async () => {
    const { endpoint } = await server();
    const sent = await send(["-s", endpoint, "--trace", "-"]);
    expect(sent).toMatchObject({ code: 100, stdout: "" });
    expect(sent.stderr).toBe("qmtp: --trace needs a file; -v prints the transcript to standard error\n");
  });
});

test("a full disk ends the transcript, with a line, and not the run", async () => {
  const { endpoint } = await server();
  const sent = await send(["-s", endpoint, "--trace", "/dev/full"]);
  const stderr = "qmtp: cannot write the transcript to /dev/full: no space left on device\n";
  expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr });
});

test("a pipe gets all of it, as from >(command) in a shell", async () => {
  const { endpoint, port } = await server();
  const folder = temporaryFolder();
  const command = `mkfifo ${folder}/pipe; cat ${folder}/pipe > ${folder}/copy & exec 3>${folder}/pipe
    printf 'Subject: hi\\n\\nhi\\n' | "$QMTP" send -s ${endpoint} -f a@x b@y --trace ${folder}/pipe; exec 3>&-; wait`;
  expect(await shell(command)).toMatchObject({ code: 0, stdout: "b@y: success: ok\n", stderr: "" });
  expect(fileLines(`${folder}/copy`)).toEqual(exchange(port, ["[16 bytes of the message],"]));
});

test.each(["--trace", "--log"])("the message is not a place for %s, whatever its name", async (flag) => {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/message`, MESSAGE);
  symlinkSync("message", `${folder}/link`);
  const args = ["send", "-f", "a@x", "b@y", "-s", "127.0.0.1:1", "--file", `${folder}/message`];
  const sent = await qmtp([...args, flag, `${folder}/link`]);
  const stderr = `qmtp: ${flag} and --file name the same file, ${folder}/message; name another one\n`;
  expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
  expect(readFileSync(`${folder}/message`, "utf8")).toBe(MESSAGE);
});
