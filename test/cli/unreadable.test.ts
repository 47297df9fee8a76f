import { mkdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { type Finished, qmtp, shell, stopAll } from "../processes.ts";
import { type ScriptedServer, startScriptedServer } from "../scripted-server.ts";
import { temporaryFolder } from "../temporary-folder.ts";

afterEach(stopAll);

/** One line that says what, where, and, behind the semicolon, what to do; exit code 111; nothing sent. */
function expectUnreadable(sent: Finished, what: string, server: ScriptedServer): void {
  const [said, todo] = sent.stderr.split(/;\s*/, 2);
  expect(said).toBe(`qmtp: cannot read ${what}`);
  expect(todo, "what to do").toMatch(/^.+\n$/);
  expect(sent.stderr.trimEnd()).not.toContain("\n");
  expect(sent).toMatchObject({ code: 111, signal: null, stdout: "" });
  expect(server.connections).toBe(0);
}

describe("what cannot be read is said in one line, with exit code 111, and nothing is sent", () => {
  const rows: ReadonlyArray<[string, (folder: string) => [string, string]]> = [
    ["a file that is not there", (folder) => [`${folder}/none`, "no such file or directory"]],
    ["a path through a file", () => ["/dev/null/x", "not a directory"]],
    ["a directory", (folder) => [folder, "it is a directory"]],
    ["a name that is too long", (folder) => [`${folder}/${"x".repeat(300)}`, "the name is too long"]],
  ];
  for (const option of ["--file", "--to-file"]) {
    test.each(rows)(`%s as ${option}`, async (_name, make) => {
      const server = await startScriptedServer();
      const [path, why] = make(temporaryFolder());
      const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", option, path]);
      expectUnreadable(sent, `${path}: ${why}`, server);
    });
  }

  test("a directory as standard input is no empty message", async () => {
    const server = await startScriptedServer();
    const sent = await shell(`exec "$QMTP" send -s ${server.endpoint} -f a@x --timeout 1 b@y < /tmp`);
    expectUnreadable(sent, "standard input: it is a directory", server);
  });

  test("a message too large for memory, where the temporary file cannot be made", async () => {
    const server = await startScriptedServer();
    const folder = temporaryFolder();
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y"], {
      input: Buffer.alloc(9 * 1024 * 1024, "x"),
      env: { TMPDIR: `${folder}/none` },
    });
    const why = `cannot keep the message in ${folder}/none: no such file or directory`;
    const stderr = `qmtp: ${why}; name another directory in TMPDIR\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });

  test("a message too large for memory, where the disk is full", async () => {
    const server = await startScriptedServer();
    const folder = temporaryFolder();
    mkdirSync(`${folder}/tmp`);
    // A limit on the size of files acts like a full disk, without one.
    const sent = await shell(
      `ulimit -f 64; trap '' XFSZ; head -c 9437184 /dev/zero | "$QMTP" send -s ${server.endpoint} -f a@x b@y`,
      { TMPDIR: `${folder}/tmp` },
    );
    const why = `cannot keep the message in ${folder}/tmp: file too large`;
    const stderr = `qmtp: ${why}; name another directory in TMPDIR\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });
});
