import { mkdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { type Finished, shell, stopAll } from "../../support/processes.ts";
import { type ScriptedServer, startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

/** Expects nothing sent, and one line: what, where and, after the semicolon, what to do. */
function expectUnreadable(sent: Finished, what: string, server: ScriptedServer, code = 111): void {
  const [said, todo] = sent.stderr.split(/;\s*/, 2);
  expect(said).toBe(`qmtp: cannot read ${what}`);
  expect(todo, "what to do").toMatch(/^.+\n$/);
  expect(sent.stderr.trimEnd()).not.toContain("\n");
  expect(sent).toMatchObject({ code, signal: null, stdout: "" });
  expect(server.connections).toBe(0);
}

describe("unreadable input is reported in one line, with exit code 111 unless noted, and nothing is sent", () => {
  const rows: ReadonlyArray<[string, (folder: string) => [string, string]]> = [
    ["a missing file", (folder) => [`${folder}/none`, "no such file or directory"]],
    ["an empty name", () => ["''", "no such file or directory"]],
    ["a path through a file", () => ["/dev/null/x", "not a directory"]],
    ["a name that is too long", (folder) => [`${folder}/${"x".repeat(300)}`, "the name is too long"]],
  ];
  for (const option of ["--file", "--to-file"]) {
    test.each(rows)(`%s as ${option}`, async (_name, make) => {
      const server = await startScriptedServer();
      const [path, why] = make(temporaryFolder());
      const given = path === "''" ? "" : path;
      const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", option, given]);
      expectUnreadable(sent, `${path}: ${why}`, server);
    });

    test(`a directory as ${option}, with exit code 100: it stays one`, async () => {
      const server = await startScriptedServer();
      const folder = temporaryFolder();
      const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", option, folder]);
      expectUnreadable(sent, `${folder}: it is a directory`, server, 100);
    });
  }

  test("a directory as standard input is not an empty message", async () => {
    const server = await startScriptedServer();
    const sent = await shell(`exec "$QMTP" send -s ${server.endpoint} -f a@x --timeout 1 b@y < /tmp`);
    expectUnreadable(sent, "standard input: it is a directory", server);
  });

  test("a message too large for memory, if the temporary file cannot be created", async () => {
    const server = await startScriptedServer();
    const folder = temporaryFolder();
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y"], {
      input: Buffer.alloc(9 * 1024 * 1024, "x"),
      env: { TMPDIR: `${folder}/none` },
    });
    const why = `cannot store the message in ${folder}/none: no such file or directory`;
    const stderr = `qmtp: ${why}; name another directory in TMPDIR\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });

  test("a message too large for memory, if the disk is full", async () => {
    const server = await startScriptedServer();
    const folder = temporaryFolder();
    mkdirSync(`${folder}/tmp`);
    // A file size limit stands in for a full disk.
    const sent = await shell(
      `ulimit -f 64; trap '' XFSZ; head -c 9437184 /dev/zero | "$QMTP" send -s ${server.endpoint} -f a@x b@y`,
      { TMPDIR: `${folder}/tmp` },
    );
    const why = `cannot store the message in ${folder}/tmp: file too large`;
    const stderr = `qmtp: ${why}; name another directory in TMPDIR\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });
});
