import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { stopAll } from "../../support/processes.ts";
import { QMTP_REMOTE, qmailHome, runRemote } from "../../support/remote.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const ROOT = new URL("../../..", import.meta.url).pathname;

/** The programs of the system without node: it may be in the same folder. */
function systemOnly(): string {
  const folder = temporaryFolder();
  for (const program of ["sh", "cat"]) symlinkSync(`/bin/${program}`, `${folder}/${program}`);
  return folder;
}

/** A copy of the installed package. */
function installed(): string {
  const folder = temporaryFolder();
  mkdirSync(`${folder}/dist`);
  cpSync(`${ROOT}bin`, `${folder}/bin`, { recursive: true });
  cpSync(`${ROOT}package.json`, `${folder}/package.json`);
  for (const file of readdirSync(`${ROOT}dist`).filter((name) => name.endsWith(".js")))
    cpSync(`${ROOT}dist/${file}`, `${folder}/dist/${file}`);
  return folder;
}

/** A node that does something else. */
function fakeNode(script: string): Record<string, string> {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/node`, `#!/bin/sh\n${script}\n`);
  chmodSync(`${folder}/node`, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

async function homeWithSink(): Promise<{ home: string; delivered: () => Promise<string> }> {
  const sink = await startSink();
  return { home: qmailHome({ qmtproutes: `:${sink.endpoint}\n` }), delivered: () => sink.nextLine() };
}

const NOTHING = { code: 111, stdout: "", stderr: "", result: "Zunable to run" };

describe("the launcher works", () => {
  test("by any name and from any folder, through links", async () => {
    const { home } = await homeWithSink();
    symlinkSync(QMTP_REMOTE, `${home}/bin/first`);
    symlinkSync("first", `${home}/bin/qmail-remote`);
    const run = await runRemote({ home, program: [`${home}/bin/qmail-remote`] });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^r\0K/) });
  });

  test("whatever NODE_OPTIONS and other variables say", async () => {
    const { home } = await homeWithSink();
    const env = {
      NODE_OPTIONS: "--nonsense",
      NODE_EXTRA_CA_CERTS: "/none",
      NODE_DEBUG: "net",
      NODE_PENDING_DEPRECATION: "1",
    };
    const run = await runRemote({ home, env });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^r\0K/) });
  });

  test("with addresses that are not UTF-8, that look like options, or that are empty", async () => {
    const { home, delivered } = await homeWithSink();
    const sh = [
      "/bin/sh",
      "-c",
      `exec "$0" "$1" "$(printf 'j\\344@x')" "$(printf 'm\\377@y')" -h`,
      QMTP_REMOTE,
    ];
    const run = await runRemote({ home, program: sh });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^r\0r\0K/) });
    expect(await delivered()).toBe("j\\xe4@x -> m\\xff@y success, -h success; 19 bytes, unix");
  });

  test("and prints help, and says what is missing", async () => {
    const help = await runRemote({ program: [QMTP_REMOTE, "--help"], host: "" });
    expect(help.code).toBe(0);
    const run = await runRemote({ recipients: [] });
    expect(run).toMatchObject({
      code: 0,
      stderr: "",
      stdout: "Zusage: qmtp-remote host sender recipient...; see qmtp-remote(8)\n\0",
    });
  });
});

test.each(["<&-", "</dev/null"])("without a message on descriptor 0 (%s), none is sent", async (input) => {
  const { home } = await homeWithSink();
  const run = await runRemote({ home, program: ["/bin/sh", "-c", `exec "$0" "$@" ${input}`, QMTP_REMOTE] });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.result).toMatch(/^Zthe message is not on descriptor 0: /);
});

describe("nothing is printed and the exit code is 111", () => {
  test("if dist/ is missing, or broken", async () => {
    const folder = installed();
    const program = [`${folder}/bin/qmtp-remote`];
    const { home } = await homeWithSink();
    expect(await runRemote({ home, program })).toMatchObject({ code: 0 });
    writeFileSync(`${folder}/dist/main.js`, "throw new Error('broken');");
    expect(await runRemote({ home, program })).toEqual(NOTHING);
    execFileSync("rm", ["-r", `${folder}/dist`]);
    expect(await runRemote({ home, program })).toEqual(NOTHING);
  });

  test.each([
    ["cannot be run", "exit 126"],
    ["crashes", "kill -SEGV $$"],
    ["is killed", "kill -KILL $$"],
    ["is ended", "kill -TERM $$"],
    ["is too old", "echo 'SyntaxError' >&2; exit 1"],
    ["exits with a code for bounces", "exit 100"],
  ])("if node %s", async (_, script) => {
    expect(await runRemote({ env: fakeNode(script) })).toEqual(NOTHING);
  });

  test.each([50_000, 300_000, 600_000])(
    "if there is memory for sh, but not for node: %i KiB",
    async (limit) => {
      const { home } = await homeWithSink();
      const program = ["/bin/sh", "-c", `ulimit -v ${limit}; exec "$0" "$@"`, QMTP_REMOTE];
      expect(await runRemote({ home, program })).toEqual(NOTHING);
    },
  );

  test("if node is missing; a record says so", async () => {
    expect(await runRemote({ env: { PATH: systemOnly() } })).toEqual({
      ...NOTHING,
      stdout: "ZSorry, qmtp-remote finds no node in its PATH. (#4.3.5)\n\0",
    });
  });
});

test("with few descriptors, the exit code is 0 or 111, and the records are whole", async () => {
  const { home } = await homeWithSink();
  for (let limit = 12; limit <= 36; limit += 2) {
    const program = ["/bin/sh", "-c", `ulimit -n ${limit}; exec "$0" "$@"`, QMTP_REMOTE];
    const { code, stdout, stderr } = await runRemote({ home, program });
    expect([limit, stderr]).toEqual([limit, ""]);
    expect([limit, stdout.replace(/^(?:[^\0]+\0)*$/, "whole")]).toEqual([limit, "whole"]);
    expect([limit, code === 0 ? stdout !== "" : code]).toEqual([limit, code === 0 ? true : 111]);
  }
});

describe("a signal", () => {
  async function whileWaiting(act: (pid: number) => void) {
    const server = await startScriptedServer();
    const home = qmailHome({ qmtproutes: `:${server.endpoint}\n` });
    let pid = 0;
    const run = runRemote({ home, onStart: (started) => (pid = started) });
    await expect.poll(() => server.received.length, { timeout: 10_000 }).toBeGreaterThan(0);
    act(pid);
    return run;
  }

  const nodeOf = (shell: number) => Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8"));

  test("ends the session, and the record says that there may be a duplicate", async () => {
    const run = await whileWaiting((pid) => process.kill(nodeOf(pid), "SIGTERM"));
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(
      /^ZConnected to 127\.0\.0\.1 but interrupted by SIGTERM.* Possible duplicate!/,
    );
  });

  test("that kills node leaves no record", async () => {
    expect(await whileWaiting((pid) => process.kill(nodeOf(pid), "SIGKILL"))).toEqual(NOTHING);
  });

  test("to the shell alone does not hide the result", async () => {
    const run = await whileWaiting((pid) => {
      process.kill(pid, "SIGTERM");
      process.kill(nodeOf(pid), "SIGINT");
    });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^s/) });
  });
});

test("twenty at once, each under softlimit -m 1500000000, deliver", async () => {
  const { home } = await homeWithSink();
  // What softlimit sets, in KiB.
  const limits = ["-v", "-d", "-s"].map((limit) => `ulimit -S ${limit} 1464843`).join("; ");
  const program = ["/bin/sh", "-c", `${limits}; exec "$0" "$@"`, QMTP_REMOTE];
  const runs = await Promise.all(Array.from({ length: 20 }, () => runRemote({ home, program })));
  expect(runs.map(({ code, stdout }) => [code, stdout.slice(0, 3)])).toEqual(runs.map(() => [0, "r\0K"]));
});
