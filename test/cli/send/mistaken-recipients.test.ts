import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const LITERAL = "--literal accepts it unchanged";

/** Expects one line and exit code 100, and nothing sent. */
async function expectRefused(args: readonly string[], line: string): Promise<void> {
  const server = await startReceivingServer();
  const from = args.includes("-f") ? [] : ["-f", "a@x"];
  const sent = await qmtp(["send", "-s", server.endpoint, ...from, ...args], { input: "hi\n" });
  expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  expect(server.connections).toBe(0);
}

/** Sends, and returns the envelope that arrives. */
async function arrived(args: readonly string[]) {
  const server = await startReceivingServer();
  const sent = await qmtp(["send", "-s", server.endpoint, ...args], { input: "hi\n" });
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  return { sender: server.packages[0]?.sender, recipients: server.packages[0]?.recipients };
}

function listOf(content: string): string {
  const path = `${temporaryFolder()}/list`;
  writeFileSync(path, content);
  return path;
}

describe("a recipient that is more than an address is refused, with what to write", () => {
  test.each<[string, string[], string]>([
    [
      "two in an argument",
      ["b@x, c@x"],
      `recipient 'b@x, c@x' has a comma; write one address per argument; ${LITERAL}`,
    ],
    [
      "two in --to",
      ["--to", "b@x c@x"],
      `recipient 'b@x c@x' has a space; write one address per argument; ${LITERAL}`,
    ],
    [
      "a name",
      ["ok@x", "Bob <b@x>"],
      `recipient 'Bob <b@x>' is not a bare address; write only b@x; ${LITERAL}`,
    ],
    [
      "a sender with a name",
      ["-f", "Al <a@x>", "b@x"],
      `sender 'Al <a@x>' is not a bare address; write only a@x; ${LITERAL}`,
    ],
    [
      "a blank sender",
      ["-f", " ", "b@x"],
      "sender ' ' is blank; write an address, or '' for the null sender",
    ],
    ["a space in --cc", ["--body", "x", "--cc", "b c@x"], "--cc has 'b c@x', which is not an address"],
  ])("%s", (_what, args, line) => expectRefused(args, line));

  test("in a file, with the name of the file and the line", async () => {
    const list = listOf("# people\nb@x\nBob <b@x>\n");
    const line = `${list}, line 3: 'Bob <b@x>' is not a bare address; write only b@x; ${LITERAL}`;
    await expectRefused(["--to-file", list], line);
  });
});

test("blanks and brackets around an address are no part of it, and a comma in quotes is", async () => {
  const args = ["-f", " <a@x> ", " b@x", "--to", "<c@x>", '"d, e"@x'];
  expect(await arrived(args)).toEqual({ sender: "a@x", recipients: ["b@x", "c@x", '"d, e"@x'] });
});

test("a list may come from an editor that writes a byte order mark, with comments and blanks", async () => {
  const list = listOf("\ufeff# staff\r\nb@x \r\n\r\n\t# gone: c@x\r\n <d@x>\r\n");
  expect((await arrived(["-f", "a@x", "--to-file", list])).recipients).toEqual(["b@x", "d@x"]);
});

test("--literal sends to addresses as they are written, on the command line and in files", async () => {
  const list = listOf("\ufeffb@x \n# c@x\r\n\nd@x,e@x\n");
  const args = ["--literal", "-f", "Al <a@x>", " b@x, c@x", "--to", "<d@x>", "--to-file", list];
  expect(await arrived(args)).toEqual({
    sender: "Al <a@x>",
    recipients: [" b@x, c@x", "<d@x>", "\ufeffb@x ", "# c@x", "d@x,e@x"],
  });
});
