import { closeSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { NULLMAILER_QMTP } from "../../support/nullmailer.ts";
import { environment, type Finished, finished, LAUNCHER, start, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const FILE = "a@example.net\nb@example.org\n\nSubject: hi\n\nhello\n";

interface Run {
  /** Descriptor 0. */
  readonly options?: string;
  /** Descriptor 3; undefined: there is none. */
  readonly file?: string | undefined;
  readonly env?: Record<string, string>;
  readonly program?: readonly string[];
}

/** Runs the launcher as nullmailer-send does. */
async function run({
  options = "",
  file = FILE,
  env = {},
  program = [NULLMAILER_QMTP],
}: Run): Promise<Finished> {
  const path = `${temporaryFolder()}/message`;
  writeFileSync(path, file);
  const fd = openSync(path, "r");
  const [command = "", ...args] = program;
  const child = start(command, args, { env: environment(env), stdio: ["pipe", "pipe", "pipe", fd] });
  closeSync(fd);
  child.stdin?.on("error", () => {});
  child.stdin?.end(options);
  return finished(child);
}

/** A folder with this `node`, and those of the system. */
function withNode(script: string): Record<string, string> {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/node`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:/usr/bin:/bin` };
}

describe("exit codes with the bit 32 are only for what the server refused:", () => {
  test.each([
    ["node exits with 1", "exit 1", 1],
    ["node exits with 9", "exit 9", 9],
    ["a program that is not node", "exit 127", 15],
    ["no permission", "exit 126", 15],
    ["another code with that bit", "exit 100", 15],
    ["out of memory", "kill -ABRT $$", 15],
    ["killed", "kill -KILL $$", 15],
    ["refused", "exit 35", 35],
    ["sent", "exit 0", 0],
  ])("%s", async (_, script, code) => {
    expect((await run({ env: withNode(script) })).code).toBe(code);
  });

  test("no node, which is said", async () => {
    const folder = temporaryFolder();
    symlinkSync("/bin/sh", `${folder}/sh`);
    const stdout = "nullmailer-qmtp finds no node in its PATH\n";
    expect(await run({ env: { PATH: folder } })).toMatchObject({ code: 15, stdout });
  });

  test.each(["ulimit -v 300000", "ulimit -n 12"])("%s", async (limit) => {
    const program = ["/bin/sh", "-c", `${limit}; exec "$0"`, NULLMAILER_QMTP];
    const { code } = await run({ program, options: "host=127.0.0.1\nport=9\n\n" });
    expect([1, 15]).toContain(code);
  });
});

test("the launcher works with bad NODE_OPTIONS, and passes options and results", async () => {
  const sink = await startSink(["--reject", "^b@: no\x1b such user"]);
  const options = `host=127.0.0.1\nport=${sink.endpoint.replace(/^.*:/, "")}\n\n`;
  const refused = await run({ options, env: { NODE_OPTIONS: "--nonsense" } });
  const line = "b@example.org: failure: no\\x1b such user\n";
  expect(refused).toEqual({ code: 35, signal: null, stdout: line, stderr: `nullmailer-qmtp: ${line}` });
  const accepted = await run({ options, file: FILE.replace("b@", "c@") });
  expect(accepted).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^ok \d+ qp \d+\n$/) });
});

describe("what is wrong is temporary, and said on both outputs:", () => {
  const HOST = "host=127.0.0.1\nport=9\n\n";
  const NOTHING_LISTENS = "cannot connect to qmtp://127.0.0.1:9: connection refused (127.0.0.1)";

  test.each<[string, Run, number, string]>([
    ["no options", { options: "" }, 18, "the options on descriptor 0 do not end with an empty line"],
    [
      "options without an end",
      { options: "host=x\n" },
      18,
      "the options on descriptor 0 do not end with an empty line",
    ],
    ["no host", { options: "\n" }, 1, "no server: nullmailer names it, or --server"],
    [
      "an empty file",
      { options: HOST, file: "" },
      13,
      "the envelope on descriptor 3 has no empty line after its recipients",
    ],
    [
      "no recipients",
      { options: HOST, file: "a@x\n\nhi\n" },
      13,
      "the envelope on descriptor 3 has no recipients",
    ],
    ["no server", { options: HOST }, 10, `b@example.org: deferral: ${NOTHING_LISTENS}`],
    ["TLS to a socket", { options: "host=unix:/x\ntls\n\n" }, 1, "'unix:/x' cannot use TLS"],
    [
      "TLS to a server that is named with it, in capitals",
      { options: "host=QMTPS://127.0.0.1:1\ntls\n\n" },
      10,
      "b@example.org: deferral: cannot connect to qmtps://127.0.0.1:1: connection refused (127.0.0.1)",
    ],
  ])("%s", async (_, given, code, line) => {
    const stderr = `nullmailer-qmtp: ${line}\n`;
    expect(await run(given)).toEqual({ code, signal: null, stdout: `${line}\n`, stderr });
  });

  test("descriptor 3 is not a file", async () => {
    const program = ["/bin/sh", "-c", 'exec "$0" 3<&-', NULLMAILER_QMTP];
    const why = "descriptor 3 is not a file; redirect one from nullmailer's queue to it\n";
    expect(await run({ program, options: HOST })).toMatchObject({ code: 13, stdout: why });
  });
});

test("help does not wait for options", async () => {
  for (const program of [
    [NULLMAILER_QMTP, "--help"],
    [process.execPath, LAUNCHER, "nullmailer", "-h"],
  ]) {
    const [command = "", ...args] = program;
    const child = start(command, args, { env: environment(), stdio: ["pipe", "pipe", "pipe"] });
    expect(await finished(child)).toMatchObject({ code: 0, stderr: "" });
  }
});
