import { afterEach, describe, expect, test } from "vitest";
import { type Finished, qmtp, type RunOptions, stopAll } from "../processes.ts";
import { startScriptedServer } from "../scripted-server.ts";

afterEach(stopAll);

const FORMS =
  "write host, host:port, [address]:port, qmtp://host:port, qmtps://host:port, unix:/path, exec:command or ucspi:";

/** Runs `qmtp send` with a server that must not be bothered, and expects one line and nothing else. */
async function expectRefused(args: readonly string[], line: string, options?: RunOptions): Promise<Finished> {
  const server = await startScriptedServer();
  const sent = await qmtp(["send", "-s", server.endpoint, ...args], { input: "hi\n", ...options });
  expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  expect(server.connections).toBe(0);
  return sent;
}

describe("send refuses what cannot be meant, with one line, exit code 100, and nothing sent", () => {
  const noSender = "no sender: name it with --from (or QMTP_FROM); '' is the null sender";
  const noRecipients =
    "no recipients: name them as arguments, with --to or --to-file, or in the message with -t";
  const rows: ReadonlyArray<[string, string[], string]> = [
    ["no sender", ["b@y"], noSender],
    ["neither sender nor recipients", [], noSender],
    ["no recipients", ["-f", "a@x"], noRecipients],
    ["an empty recipient", ["-f", "a@x", "b@y", ""], "recipient is empty; write an address"],
    ["an empty --to", ["-f", "a@x", "--to", ""], "recipient is empty; write an address"],
    [
      "standard input as message and as recipients",
      ["-f", "a@x", "--to-file", "-"],
      "standard input can be read only once: give --to-file or --file another file",
    ],
    [
      "standard input as two lists",
      ["-f", "a@x", "--to-file", "-", "--to-file", "-", "--file", "/dev/null"],
      "standard input can be read only once: give --to-file or --file another file",
    ],
    [
      "an unknown option",
      ["-f", "a@x", "b@y", "--jsn"],
      "unknown option '--jsn' (Did you mean --json?); see qmtp send --help",
    ],
    [
      "a missing value",
      ["b@y", "-f"],
      "option '-f, --from <address>' argument missing; see qmtp send --help",
    ],
  ];
  test.each(rows)("%s", async (_name, args, line) => {
    await expectRefused(args, line);
  });

  test.each([
    ["a word", "soon"],
    ["zero", "0"],
    ["a negative number", "-1"],
    ["nothing", ""],
    ["an exponent", "1e3"],
    ["hexadecimal", "0x10"],
    ["more than timers can count", "2000001"],
  ])("%s as a number of seconds", async (_name, value) => {
    const what = "write a number of seconds, more than 0 and at most 2000000";
    const line = `option '--timeout <s>' does not take '${value}': ${what}`;
    await expectRefused(["-f", "a@x", "b@y", "--timeout", value], line);
  });

  test.each(["--connect-timeout", "--max-time"])("a word as %s", async (option) => {
    const line = `option '${option} <s>' does not take 'soon': write a number of seconds, more than 0 and at most 2000000`;
    await expectRefused(["-f", "a@x", "b@y", option, "soon"], line);
  });

  test("an encoding that QMTP does not have", async () => {
    const line =
      "option '--encoding <encoding>' argument 'mac' is invalid. Allowed choices are unix, dos; see qmtp send --help";
    await expectRefused(["-f", "a@x", "b@y", "--encoding", "mac"], line);
  });

  const endpoints: ReadonlyArray<[string, string]> = [
    ["exec:", "the command is missing"],
    ["qmtps://", "the host is missing"],
    ["ucspi:x", "nothing stands behind 'ucspi:'"],
    ["smtp://mx.example.org", "'smtp:' is unknown"],
    ["mx.example.org:70000", "a port is a number from 1 to 65535"],
    ["mx.example.org:0", "a port is a number from 1 to 65535"],
    ["mx.example.org:", "a port is a number from 1 to 65535"],
    ["mx.example.org:-1", "a port is a number from 1 to 65535"],
    [":209", "the host is missing"],
    ["", "the host is missing"],
    ["::1", "an IPv6 address stands in brackets"],
    ["[mx]:209", "brackets are for IPv6 addresses"],
    ["mx example", "this is no host name"],
    ["unix:relative", "the path must begin with /"],
  ];
  test.each(endpoints)("'%s' as endpoint", async (text, why) => {
    await expectRefused(["-s", text, "-f", "a@x", "b@y"], `bad endpoint '${text}': ${why}; ${FORMS}`);
  });

  test("a bad endpoint in QMTP_SERVER", async () => {
    const refused = await qmtp(["send", "-f", "a@x", "b@y"], { env: { QMTP_SERVER: "localhost smtp:x" } });
    expect(refused.stderr).toMatch(/^qmtp: bad endpoint 'smtp:x': .+\n$/);
    expect(refused).toMatchObject({ code: 100, stdout: "" });
  });
});

describe("a wrong command line", () => {
  test.each([
    [["snd", "b@y"], "unknown command 'snd' (Did you mean send?); see qmtp --help"],
    [["b@y"], "unknown command 'b@y'; see qmtp --help"],
    [["--jsn"], "unknown option '--jsn'; see qmtp --help"],
    [["help", "snd"], "unknown command 'snd' (Did you mean send?); see qmtp --help"],
    [["sink", "x"], "too many arguments for 'sink'. Expected 0 arguments but got 1; see qmtp sink --help"],
  ])("%j is said in one line, with exit code 100", async (args, line) => {
    expect(await qmtp(args)).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  });

  test("what a terminal would obey is escaped in the line", async () => {
    const refused = await qmtp(["send", "--\u001b[31m\nx"]);
    expect(refused.stderr).toBe("qmtp: unknown option '--\\x1b[31m x'; see qmtp send --help\n");
    expect(refused.code).toBe(100);
  });
});
