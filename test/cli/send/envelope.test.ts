import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import type { RunOptions } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

/** Sends to a server that accepts everything, and returns what it received. */
async function sendAndReceive(
  args: readonly string[],
  expected: Buffer,
  recipients: number,
  options?: RunOptions,
): Promise<Buffer> {
  const server = await startScriptedServer({ reply: "3:Kok,".repeat(recipients), after: expected.length });
  const sent = await qmtp(["send", "-s", server.endpoint, "--timeout", "5", ...args], options);
  expect(sent.stderr).toBe("");
  expect(sent.code).toBe(0);
  return server.received;
}

describe("recipients go out in the order of the command line", () => {
  const list = () => {
    const path = `${temporaryFolder()}/list`;
    writeFileSync(path, "f1@y\n\nf2@y\r\nf1@y");
    return path;
  };
  const rows: ReadonlyArray<[string, (list: string) => string[], string[]]> = [
    ["arguments", () => ["-f", "a@x", "1@y", "2@y"], ["1@y", "2@y"]],
    ["a file", (file) => ["-f", "a@x", "--to-file", file], ["f1@y", "f2@y", "f1@y"]],
    [
      "options between arguments",
      (file) => ["1@y", "--to", "2@y", "-f", "a@x", "3@y", "--to-file", file, "--to=4@y", "5@y"],
      ["1@y", "2@y", "3@y", "f1@y", "f2@y", "f1@y", "4@y", "5@y"],
    ],
    ["duplicates, which are kept", () => ["-fa@x", "1@y", "--to", "1@y", "1@y"], ["1@y", "1@y", "1@y"]],
    [
      "joined options, and values that look like options",
      () => ["--to", "-t@y", "-qfa@x", "--timeout", "9", "1@y", "--no-color", "--", "-2@y", "--to"],
      ["-t@y", "1@y", "-2@y", "--to"],
    ],
  ];
  test.each(rows)("%s", async (_name, args, recipients) => {
    const expected = wirePackage({ message: "hi\n", recipients });
    const received = await sendAndReceive(args(list()), expected, recipients.length, { input: "hi\n" });
    expect(received.toString()).toBe(expected.toString());
  });

  test("standard input as the list, with the message in a file", async () => {
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, "from a file\n");
    const args = ["-f", "a@x", "1@y", "--to-file", "-", "--file", file];
    const expected = wirePackage({ message: "from a file\n", recipients: ["1@y", "2@y", "3@y"] });
    const received = await sendAndReceive(args, expected, 3, { input: "2@y\n3@y\n" });
    expect(received.toString()).toBe(expected.toString());
  });
});

test("literal addresses of any bytes except control bytes arrive unchanged", async () => {
  const path = `${temporaryFolder()}/list`;
  const noControlByte = Buffer.from(
    Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte >= 32 && byte !== 127),
  );
  const recipients = [noControlByte, Buffer.from("jürgen@münchen.example"), Buffer.from([0xff, 0xfe])];
  writeFileSync(path, Buffer.concat(recipients.flatMap((recipient) => [recipient, Buffer.from("\n")])));
  const sender = "größe@x";
  const expected = wirePackage({ message: "", sender, recipients: [...recipients, "zoë@y"] });
  const received = await sendAndReceive(["--literal", "-f", sender, "--to-file", path, "zoë@y"], expected, 4);
  expect(received.equals(expected)).toBe(true);
});

describe("the sender", () => {
  const rows: ReadonlyArray<[string, string[], Record<string, string>, string]> = [
    ["'' is the null sender", ["-f", ""], {}, ""],
    ["<> is the null sender", ["--from", "<>"], {}, ""],
    ["QMTP_FROM is its default", [], { QMTP_FROM: "env@x" }, "env@x"],
    ["--from overrides QMTP_FROM", ["-f", "a@x"], { QMTP_FROM: "env@x" }, "a@x"],
    ["--from '' overrides QMTP_FROM", ["-f", ""], { QMTP_FROM: "env@x" }, ""],
  ];
  test.each(rows)("%s", async (_name, args, env, sender) => {
    const expected = wirePackage({ message: "hi\n", sender });
    const received = await sendAndReceive([...args, "b@y"], expected, 1, { input: "hi\n", env });
    expect(received.toString()).toBe(expected.toString());
  });
});

test("an empty QMTP_FROM does not count: the null sender must be explicit", async () => {
  const stderr = "qmtp: no sender: name it with --from (or QMTP_FROM); '' is the null sender\n";
  const refused = await qmtp(["send", "b@y"], { env: { QMTP_FROM: "" } });
  expect(refused).toEqual({ code: 100, signal: null, stdout: "", stderr });
});

test("--split sends a package per recipient, without waiting for responses in between", async () => {
  const recipients = ["1@y", "2@y", "2@y"];
  const expected = Buffer.concat(
    recipients.map((one) => wirePackage({ message: "hi\n", recipients: [one] })),
  );
  const received = await sendAndReceive(["--split", "-f", "a@x", ...recipients], expected, 3, {
    input: "hi\n",
  });
  expect(received.toString()).toBe(expected.toString());
});
