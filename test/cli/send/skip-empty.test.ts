import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

async function run(args: readonly string[], input: string) {
  const server = await startReceivingServer();
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", ...args], { input });
  return { ...sent, server };
}

const SAID = "qmtp: standard input is empty; nothing was sent\n";

describe("with -E, empty standard input sends nothing and exits 0", () => {
  const attached = () => {
    const file = `${temporaryFolder()}/log`;
    writeFileSync(file, "x");
    return file;
  };

  test.each<[string, () => string[], string]>([
    ["as the message", () => ["-E", "b@y"], SAID],
    ["as the message, with --file -", () => ["--skip-empty", "--file", "-", "b@y"], SAID],
    ["as the text", () => ["-E", "--subject", "s", "b@y"], SAID],
    ["as the text beside an attachment", () => ["-E", "--attach", attached(), "b@y"], SAID],
    ["as an attachment", () => ["-E", "--body", "see", "--attach", "-", "b@y"], SAID],
    ["as the message that names its recipients", () => ["-E", "-t"], SAID],
    ["in a dry run", () => ["-E", "-n", "b@y"], SAID],
    ["quietly with -q", () => ["-E", "-q", "b@y"], ""],
  ])("%s", async (_what, args, stderr) => {
    const { server, ...sent } = await run(args(), "");
    expect(sent).toEqual({ code: 0, signal: null, stdout: "", stderr });
    expect(server.connections).toBe(0);
  });
});

describe("with -E, standard input with a byte is sent", () => {
  test.each<[string, string[], string, string]>([
    ["as it is", ["-E", "b@y"], "\n", "\n"],
    ["if nothing is left of it without Bcc", ["-E", "-t"], "Bcc: b@y\n", ""],
  ])("%s", async (_what, args, input, message) => {
    const { server, ...sent } = await run(args, input);
    expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
    expect(server.packages[0]?.message.toString()).toBe(message);
  });

  test("as an attachment, whatever the text", async () => {
    const { server, code } = await run(["-E", "--body", "", "--attach", "-", "b@y"], "data");
    expect(code).toBe(0);
    expect(server.packages[0]?.message.toString()).toContain(Buffer.from("data").toString("base64"));
  });
});

test("without -E, an empty message is sent", async () => {
  const { server, code } = await run(["b@y"], "");
  expect(code).toBe(0);
  expect(server.packages[0]?.message.length).toBe(0);
});

test("with -E, a message with text but without recipients is still refused", async () => {
  const { code, stderr } = await run(["-E", "-t"], "no header\n");
  expect(stderr).toBe("qmtp: no recipients: the message names none in To, Cc or Bcc\n");
  expect(code).toBe(100);
});

test.each([
  ["--file", "/dev/null"],
  ["--body", "x"],
])("-E is refused with %s, which says what to send", async (option, value) => {
  const { server, ...sent } = await run(["-E", option, value, "b@y"], "");
  const stderr = `qmtp: --skip-empty and ${option} cannot be combined: standard input is not the message\n`;
  expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr });
  expect(server.connections).toBe(0);
});
