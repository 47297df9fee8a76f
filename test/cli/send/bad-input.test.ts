import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import type { Finished, RunOptions } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

const FORMS =
  "write host, host:port, [address]:port, qmtp://host:port, qmtps://host:port, unix:/path, exec:command, ucspi: or mx:domain";

/** Runs `qmtp send` and expects one line, nothing else, and no connection to the server. */
async function expectRefused(args: readonly string[], line: string, options?: RunOptions): Promise<Finished> {
  const server = await startScriptedServer();
  const sent = await qmtp(["send", "-s", server.endpoint, ...args], { input: "hi\n", ...options });
  expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  expect(server.connections).toBe(0);
  return sent;
}

describe("send refuses bad input with one line and exit code 100, and sends nothing", () => {
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
      "standard input for both message and recipients",
      ["-f", "a@x", "--to-file", "-"],
      "standard input can be read only once: give --to-file or --file another file",
    ],
    [
      "standard input for two lists",
      ["-f", "a@x", "--to-file", "-", "--to-file", "-", "--file", "/dev/null"],
      "standard input can be read only once: give --to-file another file",
    ],
    [
      "standard input for an attachment and the HTML",
      ["-f", "a@x", "b@y", "--html", "-", "--attach", "-;name=x"],
      "standard input can be read only once: give --attach or --html another file",
    ],
    [
      "standard input for an attachment and the text",
      ["-f", "a@x", "b@y", "--file", "-", "--attach", "-"],
      "standard input can be read only once: give --file or --attach another file",
    ],
    [
      "--bcc with an existing message",
      ["-f", "a@x", "b@y", "--bcc", "c@y"],
      "--bcc is for composed messages; name recipients of an existing message with --to",
    ],
    [
      "an unknown option",
      ["-f", "a@x", "b@y", "--jsn"],
      "unknown option '--jsn' (did you mean --json?); see qmtp send --help",
    ],
    ["a missing value", ["b@y", "-f"], "option '-f, --from <address>' needs a value; see qmtp send --help"],
  ];
  test.each(rows)("%s", async (_name, args, line) => {
    await expectRefused(args, line);
  });

  test.each([
    ["a word", "soon"],
    ["zero", "0"],
    ["a negative number", "-1"],
    ["an empty string", ""],
    ["an exponent", "1e3"],
    ["hexadecimal", "0x10"],
    ["more than timers can hold", "2000001"],
  ])("%s as a number of seconds", async (_name, value) => {
    const what = "write a number of seconds, more than 0 and at most 2000000";
    const line = `option '--timeout <s>' does not accept '${value}': ${what}`;
    await expectRefused(["-f", "a@x", "b@y", "--timeout", value], line);
  });

  test.each(["--connect-timeout", "--max-time"])("a word as %s", async (option) => {
    const line = `option '${option} <s>' does not accept 'soon': write a number of seconds, more than 0 and at most 2000000`;
    await expectRefused(["-f", "a@x", "b@y", option, "soon"], line);
  });

  test("an encoding that QMTP does not have", async () => {
    const line =
      "option '--encoding <encoding>' does not accept 'mac': write unix or dos; see qmtp send --help";
    await expectRefused(["-f", "a@x", "b@y", "--encoding", "mac"], line);
  });

  const endpoints: ReadonlyArray<[string, string]> = [
    ["exec:", "the command is missing"],
    ["qmtps://", "the host is missing"],
    ["ucspi:x", "'ucspi:' takes no argument"],
    ["smtp://mx.example.org", "'smtp:' is unknown"],
    ["mx.example.org:70000", "a port is a number from 1 to 65535"],
    ["mx.example.org:0", "a port is a number from 1 to 65535"],
    ["mx.example.org:", "a port is a number from 1 to 65535"],
    ["mx.example.org:-1", "a port is a number from 1 to 65535"],
    [":209", "the host is missing"],
    ["", "the host is missing"],
    ["::1", "put an IPv6 address in brackets"],
    ["[mx]:209", "brackets are for IPv6 addresses"],
    ["mx example", "this is not a host name"],
    ["unix:relative", "the path must begin with /"],
  ];
  test.each(endpoints)("'%s' as an endpoint", async (text, why) => {
    await expectRefused(["-s", text, "-f", "a@x", "b@y"], `bad endpoint '${text}': ${why}; ${FORMS}`);
  });

  test("a bad endpoint in QMTP_SERVER", async () => {
    const refused = await qmtp(["send", "-f", "a@x", "b@y"], { env: { QMTP_SERVER: "localhost smtp:x" } });
    expect(refused.stderr).toMatch(/^qmtp: QMTP_SERVER: bad endpoint 'smtp:x': .+\n$/);
    expect(refused).toMatchObject({ code: 100, stdout: "" });
  });
});
