import { execFileSync } from "node:child_process";
import { createWriteStream, truncateSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, shell, qmtp as startedQmtp, startQmtp, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

/** A server that accepts the expected package. */
const accepting = (expected: Buffer) => startScriptedServer({ reply: "3:Kok,", after: expected.length });

describe("line ends become those of the encoding, from standard input and from a file", () => {
  const mixed = "lf\ncrlf\r\nlone\rcr\r\r\n\xff\0 end";
  const rows: ReadonlyArray<[string, string[], string, string, "\n" | "\r"]> = [
    ["LF by default", [], mixed, "lf\ncrlf\nlone\rcr\r\n\xff\0 end", "\n"],
    ["CRLF for dos", ["--encoding", "dos"], mixed, "lf\r\ncrlf\r\nlone\rcr\r\r\n\xff\0 end", "\r"],
    ["unchanged with --raw", ["--raw"], mixed, mixed, "\n"],
    ["unchanged with --raw, labelled dos", ["--raw", "--encoding", "dos"], mixed, mixed, "\r"],
    ["an empty message stays empty", [], "", "", "\n"],
    ["a CR at the end stays", [], "x\r", "x\r", "\n"],
  ];
  test.each(rows)("%s", async (_name, args, input, message, encoding) => {
    const expected = wirePackage({ message: Buffer.from(message, "latin1"), encoding });
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, input, "latin1");
    for (const source of [[], ["--file", "-"], ["--file", file]]) {
      const server = await accepting(expected);
      const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...args, ...source], {
        input: Buffer.from(input, "latin1"),
      });
      expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
      expect(server.received.toString("latin1")).toBe(expected.toString("latin1"));
    }
  });
});

test("a message too large for memory goes through an unlinked temporary file", async () => {
  const folder = temporaryFolder();
  const input = Buffer.alloc(9 * 1024 * 1024, "0123456789abcde\r\n");
  const message = Buffer.from(input.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  const expected = wirePackage({ message });
  const server = await accepting(expected);
  const sent = await startedQmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y"], {
    input,
    env: { TMPDIR: folder },
  });
  expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
  expect(server.received.equals(expected)).toBe(true);
  expect(execFileSync("ls", ["-A", folder], { encoding: "utf8" })).toBe("");
});

describe("a named pipe as --file", () => {
  const message = "through a pipe\n";

  test("is read to its end", { timeout: 5_000 }, async () => {
    const expected = wirePackage({ message });
    const server = await accepting(expected);
    const pipe = `${temporaryFolder()}/pipe`;
    execFileSync("mkfifo", [pipe]);
    const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--file", pipe]);
    const [sent] = await Promise.all([
      finished(child),
      pipeline([message], createWriteStream(pipe, { flags: "a" })),
    ]);
    expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
    expect(server.received.toString()).toBe(expected.toString());
  });

  test("is read to its end even if its writer is gone before the reading starts", {
    timeout: 5_000,
  }, async () => {
    const expected = wirePackage({ message });
    const server = await accepting(expected);
    const pipe = `${temporaryFolder()}/pipe`;
    const sent = await shell(`
      mkfifo ${pipe}
      printf 'through a pipe\\n' > ${pipe} &
      exec "$QMTP" send -s ${server.endpoint} -f a@x b@y --file ${pipe}`);
    expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
    expect(server.received.toString()).toBe(expected.toString());
  });

  test("may be standard input, as /dev/stdin", async () => {
    const expected = wirePackage({ message });
    const server = await accepting(expected);
    const sent = await shell(
      `printf 'through a pipe\\n' | "$QMTP" send -s ${server.endpoint} -f a@x b@y --file /dev/stdin`,
    );
    expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
    expect(server.received.toString()).toBe(expected.toString());
  });
});

test("a closed standard input is an empty message", async () => {
  const expected = wirePackage({ message: "" });
  const server = await accepting(expected);
  const sent = await shell(`exec "$QMTP" send -s ${server.endpoint} -f a@x b@y <&-`);
  expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
  expect(server.received.toString()).toBe(expected.toString());
});

test("if a file changes while it is sent, its package is not completed and every recipient is deferred", async () => {
  const file = `${temporaryFolder()}/message`;
  writeFileSync(file, "");
  // More than the connection buffers, so that sending stalls until the server reads.
  truncateSync(file, 64 * 1024 * 1024);
  const server = await startScriptedServer();
  const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "c@y", "--file", file, "-v"]);
  const done = finished(child);
  child.stderr?.on("data", (chunk: Buffer) => {
    if (chunk.includes("> 67108865:")) truncateSync(file, 1024);
  });
  const sent = await done;
  const why = `deferral: ${file} changed while it was sent; the message was not completed`;
  expect(sent.stdout).toBe(`b@y: ${why}\nc@y: ${why}\n`);
  expect(sent.code).toBe(111);
  expect(sent.stderr).toMatch(/ > \[\d+ bytes of the message; not completed\]\n/);
  expect(server.received.includes("b@y")).toBe(false);
});
