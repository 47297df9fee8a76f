import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../support/in-process.ts";
import { skipsRealServers, startMailfront } from "../support/mailfront.ts";
import { qmtp as startedQmtp, stopAll } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

afterEach(stopAll);

const what = "messages arrive at a real server as intended, byte for byte";

/** As mailfront stores it. */
function queued(sender: string, recipients: readonly (string | Buffer)[], message: Buffer): Buffer {
  const addresses = [sender, ...recipients].flatMap((address) => [Buffer.from(address), Buffer.from("\0")]);
  return Buffer.concat([...addresses, message]);
}

describe.skipIf(skipsRealServers(what))(what, () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const withoutCRLF = Buffer.concat([everyByte, everyByte.subarray(128)]);
  const rows: ReadonlyArray<[string, Buffer, Buffer]> = [
    ["LF", Buffer.from("Subject: x\n\none\ntwo\n"), Buffer.from("Subject: x\n\none\ntwo\n")],
    ["CRLF", Buffer.from("Subject: x\r\n\r\none\r\ntwo\r\n"), Buffer.from("Subject: x\n\none\ntwo\n")],
    ["CR without LF", Buffer.from("one\rtwo\r\r\nthree\r"), Buffer.from("one\rtwo\r\nthree\r")],
    ["8-bit", withoutCRLF, withoutCRLF],
    ["no final newline", Buffer.from("one\ntwo"), Buffer.from("one\ntwo")],
    ["an empty message", Buffer.from(""), Buffer.from("")],
    ["a message of one newline", Buffer.from("\n"), Buffer.from("\n")],
  ];
  test.each(rows)("%s, from standard input and from a file", async (_name, input, message) => {
    const server = await startMailfront();
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, input);
    for (const source of [[], ["--file", file]]) {
      const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...source], { input });
      expect(sent).toEqual({
        code: 0,
        signal: null,
        stdout: "b@y: success: 2.6.0 Message accepted.\n",
        stderr: "",
      });
    }
    expect(server.stored()).toEqual([queued("a@x", ["b@y"], message), queued("a@x", ["b@y"], message)]);
  });

  test("with --raw, CRLF unchanged", async () => {
    const server = await startMailfront();
    const input = Buffer.from("one\r\ntwo\n");
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--raw"], { input });
    expect(sent.code).toBe(0);
    expect(server.stored()).toEqual([queued("a@x", ["b@y"], input)]);
  });

  test.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
  ])("20 MB with %s, from standard input and from a file", async (_name, lineEnd) => {
    const server = await startMailfront();
    const lines = Math.ceil(20_000_000 / 32);
    const input = Buffer.alloc(
      lines * (30 + lineEnd.length),
      `thirty bytes, with \xc3\xbc and \r...${lineEnd}`,
      "latin1",
    );
    const message = Buffer.alloc(lines * 31, "thirty bytes, with \xc3\xbc and \r...\n", "latin1");
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, input);
    for (const source of [[], ["--file", file]]) {
      const args = ["send", "-s", server.endpoint, "-f", "a@x", "b@y", ...source];
      const sent = await startedQmtp(args, { input });
      expect(sent).toMatchObject({ code: 0, stderr: "" });
    }
    const expected = queued("a@x", ["b@y"], message);
    expect(server.stored().map((file) => file.equals(expected))).toEqual([true, true]);
  });

  test("the null sender", async () => {
    const server = await startMailfront();
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "<>", "b@y"], { input: "hi\n" });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(server.stored()).toEqual([queued("", ["b@y"], Buffer.from("hi\n"))]);
  });

  test("8-bit addresses from a file", async () => {
    const server = await startMailfront();
    const list = `${temporaryFolder()}/list`;
    const recipient = Buffer.from("62ff40e9", "hex");
    writeFileSync(list, recipient);
    const sent = await qmtp(["send", "-s", server.endpoint, "-f", "größe@x", "--to-file", list]);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(server.stored()).toEqual([queued("größe@x", [recipient], Buffer.from(""))]);
  });

  test("1,000 recipients with --split, each with its own success and copy", async () => {
    const server = await startMailfront();
    const recipients = Array.from({ length: 1_000 }, (_, index) => `recipient-${index}@example.org`);
    const list = `${temporaryFolder()}/list`;
    writeFileSync(list, recipients.join("\n"));
    const args = ["send", "-s", server.endpoint, "-f", "a@x", "--split", "--to-file", list];
    const sent = await qmtp(args, { input: "one\r\ntwo\r\n" });
    const stdout = recipients.map((one) => `${one}: success: 2.6.0 Message accepted.\n`).join("");
    expect(sent).toEqual({ code: 0, signal: null, stdout, stderr: "" });
    const expected = recipients.map((one) => queued("a@x", [one], Buffer.from("one\ntwo\n")));
    expect(server.stored()).toEqual(expected.sort(Buffer.compare));
  });
});
