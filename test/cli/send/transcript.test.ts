import { expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { wirePackage } from "../../support/wire.ts";

const MESSAGE = "Subject: grüße\n\nno end";
const WIRE = wirePackage({ message: MESSAGE });

async function transcript(...args: string[]) {
  const server = await startScriptedServer({ reply: "4:Kone,", after: WIRE.length });
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...args], { input: MESSAGE });
  expect(sent.stdout).toBe("b@y: success: one\n");
  expect(sent.code).toBe(0);
  return { port: server.port, lines: sent.stderr.split("\n") };
}

test("-v prints the events and every byte except the message's to standard error", async () => {
  const { port, lines } = await transcript("-v");
  expect(lines).toEqual([
    `* connecting to qmtp://127.0.0.1:${port}`,
    `* connected to 127.0.0.1 port ${port}`,
    "> 25:\\x0a",
    "> [24 bytes of the message]",
    "> ,3:a@x,6:3:b@y,,",
    "< 4:Kone,",
    "* all responses received; connection closed",
    "",
  ]);
});

test.each([["-vv"], ["-v", "--verbose"]])("%s %s prints the message too, line by line", async (...args) => {
  const { port, lines } = await transcript(...args.filter((arg) => arg !== undefined));
  expect(lines).toEqual([
    `* connecting to qmtp://127.0.0.1:${port}`,
    `* connected to 127.0.0.1 port ${port}`,
    "> 25:\\x0a",
    "> Subject: grüße\\x0a",
    "> \\x0a",
    "> no end",
    "> ,3:a@x,6:3:b@y,,",
    "< 4:Kone,",
    "* all responses received; connection closed",
    "",
  ]);
});

test("-v reports every server it tries", async () => {
  const port = await unusedPort();
  const sent = await qmtp(["send", "-v", "-s", `127.0.0.1:${port}`, "-s", "unix:/none", "-f", "a@x", "b@y"]);
  expect(sent.stderr.split("\n")).toEqual([
    `* connecting to qmtp://127.0.0.1:${port}`,
    `* cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`,
    "* connecting to unix:/none",
    "* cannot connect to unix:/none: no such file or directory",
    "",
  ]);
  expect(sent.code).toBe(111);
});

test("--json with -v prints only the object to standard output", async () => {
  const server = await startScriptedServer({ reply: "4:Kone,", after: WIRE.length });
  const args = ["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--json", "-v"];
  const sent = await qmtp(args, { input: MESSAGE });
  expect(JSON.parse(sent.stdout)).toMatchObject({ outcome: "success" });
  expect(sent.stderr).toMatch(/^\* connecting/);
});
