import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

/** Control sequences, line breaks and invalid UTF-8, then text that may be printed. */
const HOSTILE = Buffer.concat([
  Buffer.from("\x1b[2J\x1b]0;title\x07 two\r\nlines \0 \x7f "),
  Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xc3, 0x28, 0xff]),
  Buffer.from(" grün 東京 \u202e \u2028 \u009b € 😀"),
]);
const ESCAPED = [
  "\\x1b[2J\\x1b]0;title\\x07 two\\x0d\\x0alines \\x00 \\x7f ",
  "\\x9b31m\\xc3(\\xff",
  " grün 東京 \\xe2\\x80\\xae \\xe2\\x80\\xa8 \\xc2\\x9b \\xe2\\x82\\xac \\xf0\\x9f\\x98\\x80",
].join("");

const NOTHING_THAT_DRIVES_A_TERMINAL = /^[\x20-\x7e\p{L}\p{M}\p{N}\n]*$/u;

async function sendTo(reply: Buffer, args: readonly string[] = []) {
  const server = await startScriptedServer({ reply, after: wirePackage({ message: "hi\n" }).length });
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...args], { input: "hi\n" });
  expect(sent.stdout).toMatch(NOTHING_THAT_DRIVES_A_TERMINAL);
  expect(sent.stderr).toMatch(NOTHING_THAT_DRIVES_A_TERMINAL);
  return sent;
}

describe("a server can neither control the terminal nor break a line", () => {
  const response = netstring(Buffer.concat([Buffer.from("K"), HOSTILE]));

  test("with the text of a response", async () => {
    const sent = await sendTo(response);
    expect(sent).toMatchObject({ code: 0, stdout: `b@y: success: ${ESCAPED}\n`, stderr: "" });
  });

  test("with the text of a response in --json, which also has it in full", async () => {
    const sent = await sendTo(response, ["--json"]);
    const [delivery] = JSON.parse(sent.stdout).deliveries;
    expect(delivery.text).toBe(ESCAPED);
    expect(Buffer.from(delivery.textBase64, "base64").equals(HOSTILE)).toBe(true);
  });

  test("with the text of a response in a transcript", async () => {
    const sent = await sendTo(response, ["-vv"]);
    expect(sent.stderr).toContain(` ms < ${HOSTILE.length + 1}:K${ESCAPED},\n`);
  });

  test("with a surplus response, which the line about the violation quotes", async () => {
    const sent = await sendTo(Buffer.concat([netstring("Kok"), response]));
    expect(sent).toMatchObject({ code: 0, stdout: "b@y: success: ok\n" });
    const lines = sent.stderr.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^qmtp: the server broke the protocol at byte 6: a response to nothing: /);
    expect(lines[0]).toContain("\\x1b[2J");
  });

  test("with a surplus response in --json", async () => {
    const sent = await sendTo(Buffer.concat([netstring("Kok"), response]), ["--json"]);
    const [violation] = JSON.parse(sent.stdout).violations;
    expect(violation).toMatchObject({ code: "surplus-response", offset: 6 });
  });
});

test("a text too long for a line is cut", async () => {
  const sent = await sendTo(netstring(`K${"x".repeat(60_000)}`));
  expect(sent.stdout).toMatch(/^b@y: success: x{2000} \[60000 bytes in all\]\n$/);
});

test("a text is cut in the line about a violation, too", async () => {
  const sent = await sendTo(Buffer.concat([netstring("Kok"), netstring(`K${"x".repeat(60_000)}`)]));
  expect(sent.stdout).toBe("b@y: success: ok\n");
  expect(sent.stderr.length).toBeLessThan(3_000);
});
