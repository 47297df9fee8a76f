import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { shell, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

describe("an address with a control byte is refused with one line and exit code 100, and nothing is sent", () => {
  // An argument cannot hold NUL; the other control bytes are covered by tests that start no process.
  test.each(["01", "09", "0a", "0d", "1b", "1f", "7f"])("byte 0x%s in a recipient", async (hex) => {
    const server = await startScriptedServer();
    const bad = `b${String.fromCharCode(Number.parseInt(hex, 16))}c@y`;
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "ok@y", bad]);
    const stderr = `qmtp: recipient 'b\\x${hex}c@y' has the control byte 0x${hex} at position 1; remove it\n`;
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });

  test.each([
    ["--to", ["-f", "a@x", "ok@y", "--to", "b\nc@y"], "recipient"],
    ["--from", ["-f", "b\nc@y", "ok@y"], "sender"],
  ])("in %s", async (_option, args, what) => {
    const server = await startScriptedServer();
    const sent = await qmtp(["send", "-s", server.endpoint, ...args]);
    const stderr = `qmtp: ${what} 'b\\x0ac@y' has the control byte 0x0a at position 1; remove it\n`;
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });

  test("in QMTP_FROM", async () => {
    const sent = await qmtp(["send", "b@y"], { env: { QMTP_FROM: "a\tb@x" } });
    const stderr = "qmtp: QMTP_FROM 'a\\x09b@x' has the control byte 0x09 at position 1; remove it\n";
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
  });

  test("in a file of recipients, NUL included: the message gives the line", async () => {
    const server = await startScriptedServer();
    const list = `${temporaryFolder()}/list`;
    writeFileSync(list, "b@y\n\nc@y\r\nd\0e@y\nf@y\n");
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "--to-file", list]);
    const stderr = `qmtp: ${list}, line 4: 'd\\x00e@y' has the control byte 0x00 at position 1; remove it\n`;
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });
});

test("an argument that is not UTF-8 is refused, with a way that works, rather than sent altered", async () => {
  const server = await startScriptedServer();
  const command = `exec "$QMTP" send -s ${server.endpoint} -f a@x "$(printf 'b\\377@y')"`;
  const stderr =
    "qmtp: recipient 'b\\xef\\xbf\\xbd@y' is not valid UTF-8; put addresses that are not UTF-8 into a file, and name it with --to-file\n";
  expect(await shell(command)).toEqual({ code: 100, signal: null, stdout: "", stderr });
  expect(server.connections).toBe(0);
});

describe("a file without recipients is refused with one line and exit code 100, and nothing is sent", () => {
  test.each([
    ["an empty file", ""],
    ["empty lines only", "\n\r\n\n"],
  ])("%s", async (_name, content) => {
    const server = await startScriptedServer();
    const list = `${temporaryFolder()}/list`;
    writeFileSync(list, content);
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--to-file", list]);
    const stderr = `qmtp: ${list} contains no recipients; write one address per line\n`;
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });

  test("standard input", async () => {
    const args = ["send", "-f", "a@x", "--to-file", "-", "--file", "/dev/null"];
    const stderr = "qmtp: standard input contains no recipients; write one address per line\n";
    expect(await qmtp(args)).toEqual({ code: 100, signal: null, stdout: "", stderr });
  });
});
