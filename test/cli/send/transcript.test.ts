import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, printed, startQmtp, stopAll } from "../../support/processes.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { untimed } from "../../support/transcripts.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const MESSAGE = "Subject: grüße\n\nno end";
const WIRE = wirePackage({ message: MESSAGE });

async function transcript(...args: string[]) {
  const server = await startScriptedServer({ reply: "4:Kone,", after: WIRE.length });
  const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...args], { input: MESSAGE });
  expect(sent.stdout).toBe("b@y: success: one\n");
  expect(sent.code).toBe(0);
  return { port: server.port, lines: untimed(sent.stderr) };
}

test("-v prints the events and every byte except the message's to standard error", async () => {
  const { port, lines } = await transcript("-v");
  expect(lines).toEqual([
    `* connecting to qmtp://127.0.0.1:${port}`,
    `* connected to 127.0.0.1 port ${port}`,
    "> 25:\\x0a",
    "> [24 bytes of the message],",
    "> 3:a@x,",
    "> 6:3:b@y,,",
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
    "> ,",
    "> 3:a@x,",
    "> 6:3:b@y,,",
    "< 4:Kone,",
    "* all responses received; connection closed",
    "",
  ]);
});

test("-v reports every server it tries", async () => {
  const port = await unusedPort();
  const sent = await qmtp(["send", "-v", "-s", `127.0.0.1:${port}`, "-s", "unix:/none", "-f", "a@x", "b@y"]);
  expect(untimed(sent.stderr)).toEqual([
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
  expect(sent.stderr).toMatch(/^\+0\.0 ms \* connecting/);
});

describe("each response has a line", () => {
  const WIRE_OF_TWO = wirePackage({ message: "hi\n", recipients: ["b@y", "c@y"] });
  const sendTwo = async (reply: string, ...args: string[]) => {
    const server = await startScriptedServer({ reply, after: WIRE_OF_TWO.length, close: true });
    const sent = await qmtp(["send", "-v", "-s", server.endpoint, "-f", "a@x", "b@y", "c@y", ...args], {
      input: "hi\n",
    });
    return untimed(sent.stderr).filter((line) => !/^\* connect(ing|ed) to/.test(line));
  };

  test("if several arrive together, with line feeds in them", async () => {
    expect(await sendTwo("8:Kone\ntwo,5:Zlate,")).toEqual([
      "> 4:\\x0a",
      "> [3 bytes of the message],",
      "> 3:a@x,",
      "> 12:3:b@y,3:c@y,,",
      "< 8:Kone\\x0atwo,",
      "< 5:Zlate,",
      "* all responses received; connection closed",
      "",
    ]);
  });

  test("and so has a part of one, if the rest never comes", async () => {
    const lines = await sendTwo("3:Kok,21:Kok 8386");
    expect(lines.slice(4)).toEqual([
      "< 3:Kok,",
      "< 21:Kok 8386",
      "* connection closed in the middle of a response",
      "",
    ]);
  });

  test("and a part is shown while the rest is still awaited", async () => {
    const server = await startScriptedServer({ reply: "21:Kok 8386", after: WIRE.length });
    const child = startQmtp(["send", "-v", "-s", server.endpoint, "-f", "a@x", "b@y"]);
    child.stdin?.end(MESSAGE);
    await printed(child.stderr, /^\+\d+\.\d ms < 21:Kok 8386\n/m);
    child.kill("SIGTERM");
    expect((await finished(child)).code).toBe(111);
  });
});
