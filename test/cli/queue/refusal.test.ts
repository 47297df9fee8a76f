import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { environment, finished, start, stopAll } from "../../support/processes.ts";
import { ENVELOPE, envelopeFor, homeWith, QMAIL_QMTPC, queueShell } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const RECIPIENTS = ["b@y", "c@y", "d@y"];
/** Message and envelope are files, so that descriptor 6 is the only pipe. */
const RUN = '"$QMTPC" <"$MESSAGE" 1<"$ENVELOPE"';

/** A server with these responses, one for each recipient, and how to run qmail-qmtpc against it. */
async function caseOf(responses: ReadonlyArray<string | Buffer>) {
  const recipients = RECIPIENTS.slice(0, responses.length);
  const server = await startScriptedServer({
    reply: Buffer.concat(responses.map(netstring)),
    after: wirePackage({ message: "hi\n", recipients }).length,
  });
  return { env: homeWith(server.endpoint), envelope: envelopeFor(...recipients) };
}

/** A named pipe held open at both ends, so that opening it does not block. */
function namedPipe() {
  const path = `${temporaryFolder()}/pipe`;
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  const buffer = Buffer.alloc(65_536);
  return {
    path,
    /** Its present content, or "" if it is empty. */
    read(): string {
      try {
        return buffer.toString("latin1", 0, readSync(fd, buffer));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
        throw error;
      }
    },
  };
}

/** Runs qmail-qmtpc with descriptor 6 as the writing end of a pipe. */
async function refusal(...responses: Array<string | Buffer>): Promise<{ code: number | null; text: string }> {
  const [{ env, envelope }, pipe] = [await caseOf(responses), namedPipe()];
  const input = { env: { ...env, PIPE: pipe.path }, envelope };
  const { code } = await queueShell(`exec ${RUN} 6>"$PIPE"`, input);
  return { code, text: pipe.read() };
}

describe("on a pipe at descriptor 6, the caller finds", () => {
  test.each([
    ["a failure", ["Dno (#5.7.1)"], "Dno (#5.7.1)"],
    ["a deferral", ["Zlater (#4.3.0)"], "Zlater (#4.3.0)"],
    ["a failure without text", ["D"], "D"],
    ["the failure among successes", ["Kok", "Dno"], "Dno"],
    ["the first failure", ["Dfirst", "Dsecond"], "Dfirst"],
    ["the first deferral, even after a failure", ["Dno", "Zlater", "Zmuch later"], "Zlater"],
    ["text that begins with a status letter", ["DZ no"], "DZ no"],
  ])("%s, and exit code 82", async (_what, responses, text) => {
    expect(await refusal(...responses)).toEqual({ code: 82, text });
  });

  test("255 bytes at most", async () => {
    expect(await refusal(`D${"x".repeat(254)}`)).toEqual({ code: 82, text: `D${"x".repeat(254)}` });
    expect(await refusal(`Z${"x".repeat(255)}`)).toEqual({ code: 82, text: `Z${"x".repeat(254)}` });
    expect(await refusal(`D${"é".repeat(5_000)}`)).toEqual({ code: 82, text: `D${"?".repeat(254)}` });
  });

  test("printable ASCII only", async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const { code, text } = await refusal(Buffer.concat([Buffer.from("D"), every.subarray(0, 200)]));
    const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");
    expect({ code, text }).toEqual({ code: 82, text: `D${"?".repeat(32)}${ascii}${"?".repeat(73)}` });
  });

  test("nothing if every recipient succeeded, or no server refused one", async () => {
    expect(await refusal("Kok", "Kok")).toEqual({ code: 0, text: "" });
    const pipe = namedPipe();
    const run = (env: object, envelope = ENVELOPE) =>
      queueShell(`exec ${RUN} 6>"$PIPE"`, { env: { ...env, PIPE: pipe.path }, envelope });
    const server = await startScriptedServer({ reply: "", after: 22, close: true });
    expect((await run(homeWith(server.endpoint))).code).toBe(74);
    expect((await run(homeWith("unix:/none"))).code).toBe(73);
    expect((await run(homeWith())).code).toBe(55);
    expect((await run(homeWith("unix:/none"), "Fa@x\0")).code).toBe(91);
    expect(pipe.read()).toBe("");
  });

  test("nothing if the session ended after a failure, which is exit code 74", async () => {
    const server = await startScriptedServer({ reply: "3:Dno,", after: 22, close: true });
    const pipe = namedPipe();
    const env = { ...homeWith(server.endpoint), PIPE: pipe.path };
    const sent = await queueShell(`exec ${RUN} 6>"$PIPE"`, { env, envelope: envelopeFor("b@y", "c@y") });
    expect([sent.code, pipe.read()]).toEqual([74, ""]);
  });
});

test("a shell pipe works; standard error has only the lines with another text", async () => {
  const { env, envelope } = await caseOf(["Dno", "Dnever", "Dno"]);
  const piped = '{ "$QMTPC" 6>&1 <"$MESSAGE" 1<"$ENVELOPE"; echo "code $?" >&2; } | cat';
  expect(await queueShell(piped, { env, envelope })).toEqual({
    code: 0,
    signal: null,
    stdout: "Dno",
    stderr: "qmail-qmtpc: c@y: failure: never\ncode 82\n",
  });
});

test("a full pipe without a reader is not waited for", async () => {
  const [{ env, envelope }, pipe] = [await caseOf(["Dno"]), namedPipe()];
  const input = { env: { ...env, PIPE: pipe.path }, envelope };
  const full = `{ head -c 65536 /dev/zero >&6; exec ${RUN}; } 6>"$PIPE"`;
  expect((await queueShell(full, input)).code).toBe(31);
  expect(pipe.read()).toBe("\0".repeat(65_536));
  expect(pipe.read()).toBe("");
});

describe.each([
  [31, "Dno", "failure: no"],
  [71, "Zno", "deferral: no"],
])("the exit code stays %i, and nothing is written,", (code, response, line) => {
  const expected = { code, signal: null, stdout: "", stderr: `qmail-qmtpc: b@y: ${line}\n` };

  test.each([
    ["is closed", "6>&-"],
    ["is closed, and so are the others from 3 to 9", "3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-"],
    // Node then opens pipes of its own there; their writing ends land on 6 if one descriptor before it is taken.
    ["is closed, and 3 is open", "3</dev/null 4>&- 5>&- 6>&-"],
    ["is closed, and 3 and 4 are open", "3</dev/null 4</dev/null 5>&- 6>&-"],
    ["is closed, and 3 to 5 are open", "3</dev/null 4</dev/null 5</dev/null 6>&-"],
    ["is closed, and message and envelope are pipes", "6>&- <MESSAGE 1<ENVELOPE"],
    ["is a device", "6>/dev/null"],
    ["is the reading end of a pipe", '6<"$PIPE"'],
    ["is a file", '6<>"$FILE"'],
    ["is the envelope's pipe", "6<&1"],
  ])("if descriptor 6 %s", async (_what, redirections) => {
    const [{ env, envelope }, pipe] = [await caseOf([response]), namedPipe()];
    const file = `${temporaryFolder()}/file`;
    execFileSync("sh", ["-c", `echo kept > ${file}`]);
    const input = { env: { ...env, PIPE: pipe.path, FILE: file }, envelope };
    const pipes = 'cat "$ENVELOPE" | { exec 8<&0; cat "$MESSAGE" | "$QMTPC" 1<&8 8<&- 6>&-; }';
    const command = redirections.includes("ENVELOPE") ? pipes : `exec ${RUN} ${redirections}`;
    expect(await queueShell(command, input)).toEqual(expected);
    expect([pipe.read(), readFileSync(file, "utf8")]).toEqual(["", "kept\n"]);
  });

  test("if descriptor 6 is a socket", async () => {
    const { env, envelope } = await caseOf([response]);
    const child = start(process.execPath, [QMAIL_QMTPC], {
      env: environment(env),
      stdio: ["pipe", "pipe", "pipe", "ignore", "ignore", "ignore", "pipe"],
    });
    let written = "";
    (child.stdio as ReadonlyArray<unknown> as Socket[])[6]?.on("data", (chunk: Buffer) => {
      written += chunk;
    });
    child.stdin?.end("hi\n");
    (child.stdout as unknown as NodeJS.WritableStream).end(envelope);
    expect(await finished(child)).toEqual(expected);
    expect(written).toBe("");
  });

  test("if descriptor 6 is a pipe whose reader is gone", async () => {
    const [{ env, envelope }, path] = [await caseOf([response]), `${temporaryFolder()}/pipe`];
    execFileSync("mkfifo", [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(path, constants.O_WRONLY);
    closeSync(reader);
    const child = start(process.execPath, [QMAIL_QMTPC], {
      env: environment(env),
      stdio: ["pipe", "pipe", "pipe", "ignore", "ignore", "ignore", writer],
    });
    closeSync(writer);
    child.stdin?.end("hi\n");
    (child.stdout as unknown as NodeJS.WritableStream).end(envelope);
    expect(await finished(child)).toEqual(expected);
  });
});
