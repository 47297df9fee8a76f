import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, startQmtp, stopAll } from "../../support/processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const MIB = 1024 * 1024;

/** Messages from a pipe and from a file take different paths; their text has one character per byte. */
const WAYS = ["a pipe", "a file"] as const;
type Way = (typeof WAYS)[number];

async function send(way: Way, message: string, args: readonly string[], server: string) {
  const input = Buffer.from(message, "latin1");
  const path = `${temporaryFolder()}/message`;
  writeFileSync(path, input);
  const all = ["send", "-t", "-s", server, "-f", "a@x", ...args];
  return way === "a pipe" ? qmtp(all, { input }) : qmtp([...all, "--file", path]);
}

async function arrived(way: Way, message: string, ...args: string[]): Promise<ReceivedPackage> {
  const server = await startReceivingServer();
  const { code, stderr } = await send(way, message, args, server.endpoint);
  expect([code, stderr]).toEqual([0, ""]);
  return server.packages[0] as ReceivedPackage;
}

describe.each(WAYS)("send -t with a message from %s", (way) => {
  const odd = "X-A: \xff\xfe\x00 \r a\n\tb\n";
  const message = `bcc: c@y,\n d@y\nTo: b@y\n${odd}BCC : e@y\nX-Resent-Bcc: x\n${odd}\nBcc: body\n`;
  const without = `To: b@y\n${odd}X-Resent-Bcc: x\n${odd}\nBcc: body\n`;

  test("sends to To, Cc and Bcc, with every byte except the Bcc fields", async () => {
    const pkg = await arrived(way, message);
    expect(pkg.recipients).toEqual(["c@y", "d@y", "b@y", "e@y"]);
    expect(pkg.message.toString("latin1")).toBe(without);
  });

  test.each([
    ["dos", [], "To: b@y\r\nX: a\rb\r\n\r\nhi\r\n"],
    ["unix", [], "To: b@y\nX: a\rb\n\nhi\n"],
    ["unix, raw", ["--raw"], "To: b@y\r\nX: a\rb\n\r\nhi\n"],
  ])("sends in the encoding %s", async (encoding, args, expected) => {
    const mixed = "To: b@y\r\nBcc: c@y\r\nX: a\rb\n\r\nhi\n";
    const pkg = await arrived(way, mixed, ...args, "--encoding", encoding.replace(/,.*/, ""));
    expect(pkg.message.toString("latin1")).toBe(expected);
  });

  test.each([
    ["after those in arguments, which may repeat", ["c@y", "c@y"], "To: b@y", "c@y c@y b@y"],
    ["each only once", ["B@y"], "To: b@Y, c@y\nCc: c@y, B@Y", "B@y b@Y c@y"],
    ["unchanged, without a domain", [], "To: root, Joe <b@y>", "root b@y"],
    ["stripped of quotes", [], 'To: "joe doe"@y', "joe_doe@y"],
    [
      "in groups, with comments and encoded names",
      [],
      "To: g: =?utf-8?q?=C3=B6?= <b@y>, c@y (d@y);",
      "b@y c@y",
    ],
    [
      "in Resent fields, if there are any",
      [],
      "Received: r\nResent-Cc: b@y\nResent-Date: d\nReceived: r\nResent-To: c@y",
      "b@y",
    ],
  ])("sends to recipients %s", async (_what, args, lines, expected) => {
    const { recipients } = await arrived(way, `${lines}\n\nhi\n`, ...args);
    expect(recipients.map((recipient) => recipient.replace(" ", "_"))).toEqual(expected.split(" "));
  });

  test.each<[what: string, message: string, line: string | RegExp]>([
    ["no recipient", "Subject: s\n\nTo: b@y\n", "no recipients: the message names none in To, Cc or Bcc"],
    ["no recipient, without a header", "hi\n", "no recipients: the message names none in To, Cc or Bcc"],
    ["no recipient, being empty", "", "no recipients: the message names none in To, Cc or Bcc"],
    [
      "an ambiguous recipient",
      "To: b@y c@y\n\nhi\n",
      /^the message's To has 'b@y c@y', which is more than one address/,
    ],
    [
      "too many recipients to read",
      `To: ${"b@y,".repeat(2_500_000)}\n\nhi\n`,
      /^the message's header is longer than 8388608 b/,
    ],
  ])("refuses a message with %s, and sends nothing", async (_what, text, line) => {
    const server = await startReceivingServer();
    const sent = await send(way, text, [], server.endpoint);
    expect(sent).toMatchObject({ code: 100, stdout: "" });
    expect(sent.stderr.replace(/^qmtp: /, "").replace(/\n$/, "")).toMatch(line);
    expect(server.connections).toBe(0);
  });

  test("works with --split, --json and --dry-run", async () => {
    const server = await startReceivingServer();
    const text = "To: b@y\nBcc: c@y\n\nhi\n";
    const split = await send(way, text, ["--split", "--json"], server.endpoint);
    const { deliveries } = JSON.parse(split.stdout) as { deliveries: { recipient: string }[] };
    expect(deliveries.map(({ recipient }) => recipient)).toEqual(["b@y", "c@y"]);
    expect(server.packages.map(({ recipients }) => recipients)).toEqual([["b@y"], ["c@y"]]);
    for (const { message: sent } of server.packages) expect(sent.toString()).toBe("To: b@y\n\nhi\n");
    const dry = await send(way, text, ["-n"], "unix:/none");
    expect(dry.stdout.split("\n").filter((line) => /^(recipient|\|)/.test(line))).toEqual([
      "recipient: b@y",
      "recipient: c@y",
      "| To: b@y",
      "| ",
      "| hi",
    ]);
  });
});

test("send without -t leaves Bcc in the message", async () => {
  const server = await startReceivingServer();
  const input = "Bcc: c@y\n\nhi\n";
  await qmtp(["send", "-s", server.endpoint, "-f", "a@x", "b@y"], { input });
  const { message, recipients } = server.packages[0] as ReceivedPackage;
  expect([message.toString(), recipients]).toEqual([input, ["b@y"]]);
});

test("a signal while reading a message for -t sends nothing: exit code 111", async () => {
  const child = startQmtp(["send", "-t", "-s", "unix:/none", "-f", "a@x"], { stdio: "pipe" });
  const ended = finished(child);
  // More than a pipe holds: the write completes only when the other end reads.
  await new Promise((resolve) => child.stdin?.write(Buffer.alloc(2 * MIB, "X: y\n"), resolve));
  child.kill("SIGTERM");
  expect(await ended).toEqual({
    ...{ code: 111, signal: null, stdout: "" },
    stderr: "qmtp: interrupted by SIGTERM while reading the message; nothing was sent\n",
  });
});
