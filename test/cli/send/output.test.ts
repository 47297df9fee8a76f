import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

const RECIPIENTS = ["b@y", "c@y", "d@y"];

/** Sends to three recipients; the server replies with `reply`. */
async function sendTo(reply: string | Buffer, ...args: string[]) {
  const length = wirePackage({ message: "hi\n", recipients: RECIPIENTS }).length;
  const server = await startScriptedServer({ reply, after: length });
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", ...RECIPIENTS, ...args], {
    input: "hi\n",
  });
  return { ...sent, port: server.port };
}

const ALL_THREE = "3:Kok,8:Znot now,6:Dnever,";

describe("the plain output", () => {
  test("is one line per recipient, in order", async () => {
    const sent = await sendTo(ALL_THREE);
    expect(sent.stdout).toBe("b@y: success: ok\nc@y: deferral: not now\nd@y: failure: never\n");
    expect(sent).toMatchObject({ code: 111, stderr: "" });
  });

  test("with -q is only what did not succeed", async () => {
    const sent = await sendTo(ALL_THREE, "-q");
    expect(sent.stdout).toBe("c@y: deferral: not now\nd@y: failure: never\n");
    expect(sent).toMatchObject({ code: 111, stderr: "" });
  });

  test("with -q is empty if all succeed", async () => {
    const sent = await sendTo("3:Kok,".repeat(3), "-q");
    expect(sent).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  test("keeps the results so far when the connection ends", async () => {
    const length = wirePackage({ message: "hi\n", recipients: RECIPIENTS }).length;
    const server = await startScriptedServer({ reply: "3:Kok,6:Dn", after: length, close: true });
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", ...RECIPIENTS], { input: "hi\n" });
    const why = "connection closed in the middle of a response (the message may have been delivered)";
    expect(sent.stdout).toBe(`b@y: success: ok\nc@y: deferral: ${why}\nd@y: deferral: ${why}\n`);
    expect(sent).toMatchObject({ code: 111, stderr: "" });
  });
});

describe("--json", () => {
  test("prints everything in one object on one line", async () => {
    const { stdout, stderr, code, port } = await sendTo(ALL_THREE, "--json");
    expect(stdout.endsWith("}\n") && stdout.indexOf("\n") === stdout.length - 1).toBe(true);
    const answer = { origin: "server", possibleDuplicate: false };
    const number = expect.any(Number) as number;
    const session = {
      server: { endpoint: `qmtp://127.0.0.1:${port}`, address: "127.0.0.1", port, tls: null },
      counts: { success: 1, deferral: 1, failure: 1 },
      timing: { connectMs: number, sendMs: number, responseMs: number },
      violations: [],
      error: null,
    };
    expect(JSON.parse(stdout)).toEqual({
      ...session,
      schema: 1,
      type: "message",
      outcome: "partial",
      exitCode: 111,
      message: { source: "-", bytes: 3, encoding: "unix" },
      sender: "a@x",
      deliveries: [
        { index: 0, recipient: "b@y", status: "success", text: "ok", ...answer },
        { index: 1, recipient: "c@y", status: "deferral", text: "not now", ...answer },
        { index: 2, recipient: "d@y", status: "failure", text: "never", ...answer },
      ],
      attempts: [{ ...session, recipients: 3 }],
    });
    expect({ stderr, code }).toEqual({ stderr: "", code: 111 });
  });

  test("names the file, the encoding and the bytes on the wire", async () => {
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, "one\ntwo\n");
    const expected = wirePackage({ message: "one\r\ntwo\r\n", encoding: "\r", sender: "" });
    const server = await startScriptedServer({ reply: "3:Kok,", after: expected.length });
    const args = ["-s", server.endpoint, "-f", "", "b@y", "--file", file, "--encoding", "dos", "--json"];
    const { stdout } = await qmtp(["send", ...args]);
    const message = { source: file, bytes: 10, encoding: "dos" };
    expect(JSON.parse(stdout)).toMatchObject({ message, sender: "", outcome: "success", exitCode: 0 });
  });

  test("prints bytes that are not UTF-8 escaped, and unaltered in base64", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/list`, Buffer.from("6240ff0a", "hex"));
    const expected = wirePackage({ message: "", recipients: [Buffer.from("6240ff", "hex")] });
    const text = Buffer.from("4b6f6bfe", "hex");
    const server = await startScriptedServer({ reply: netstring(text), after: expected.length });
    const args = ["-s", server.endpoint, "-f", "a@x", "--to-file", `${folder}/list`, "--json"];
    const { stdout } = await qmtp(["send", ...args]);
    expect(JSON.parse(stdout).deliveries).toEqual([
      {
        index: 0,
        recipient: "b@\\xff",
        recipientBase64: "YkD/",
        status: "success",
        text: "ok\\xfe",
        textBase64: "b2v+",
        origin: "server",
        possibleDuplicate: false,
      },
    ]);
    expect(stdout).toMatch(/^[\x20-\x7e]+\n$/);
  });
});

describe("--dry-run", () => {
  test("prints envelope, size and first lines, without connecting", async () => {
    const server = await startScriptedServer();
    const input = Array.from({ length: 12 }, (_, index) => `line ${index} \x1b[31m\r\n`).join("");
    const args = ["-n", "-s", server.endpoint, "-s", "unix:/nowhere", "-f", "<>", "b@y", "b@y", "--split"];
    const dry = await qmtp(["send", ...args], { input });
    const lines = Array.from({ length: 10 }, (_, index) => `| line ${index} \\x1b[31m\n`).join("");
    expect(dry).toEqual({
      code: 0,
      signal: null,
      stdout: `server: qmtp://${server.endpoint}\nserver: unix:/nowhere\nsender: <>\nrecipient: b@y\nrecipient: b@y\nmessage: 158 bytes, encoding unix, from standard input\npackages: 2\n${lines}`,
      stderr: "",
    });
    expect(server.connections).toBe(0);
  });

  test("with --json prints one object", async () => {
    const dry = await qmtp(["send", "-n", "--json", "-s", "h", "-f", "a@x", "b@y"], { input: "one\n\ntwo" });
    expect(JSON.parse(dry.stdout)).toEqual({
      schema: 1,
      type: "dry-run",
      endpoints: ["qmtp://h:209"],
      message: { source: "-", bytes: 8, encoding: "unix" },
      packages: 1,
      sender: "a@x",
      recipients: [{ index: 0, recipient: "b@y" }],
      firstLines: ["one", "", "two"],
    });
    expect(dry).toMatchObject({ code: 0, stderr: "" });
  });
});
