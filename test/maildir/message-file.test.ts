import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { MessageFileReader, type UnreadFile } from "../../src/maildir/message-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const HEAD = "Return-Path: <a@x>\nDelivered-To: p-b@y\n";
/** The first read of a file takes this much. */
const BEGINNING = 65_536;

let path: string;
let broken: string[];

beforeEach(() => {
  path = `${temporaryFolder()}/file`;
  broken = [];
});

function reader(prefix = ""): MessageFileReader {
  return new MessageFileReader(Buffer.from(prefix), ({ name }) => broken.push(name));
}

/** The file as the listing of a maildir knows it. */
function known(content: string): UnreadFile {
  writeFileSync(path, content, "latin1");
  const { size, mtimeMs } = statSync(path);
  return { name: "new/1", path, bytes: size, mtimeMs };
}

/** The same file, with only its name known. */
const unknown = (): UnreadFile => ({ name: "new/1", path });

async function bodyOf(message: { chunks(): Iterable<Buffer> | AsyncIterable<Buffer> }): Promise<string> {
  const pieces: string[] = [];
  for await (const chunk of message.chunks()) pieces.push(chunk.toString("latin1"));
  return pieces.join("");
}

describe.each([
  ["of no bytes", 0],
  ["of a few bytes", 10],
  ["as long as the first read", BEGINNING - HEAD.length],
  ["one byte longer", BEGINNING - HEAD.length + 1],
  ["two bytes longer", BEGINNING - HEAD.length + 2],
  ["much longer", 1_000_000],
])("a message %s", (_, length) => {
  test.each([
    ["listed", (file: UnreadFile) => file],
    ["only named", unknown],
  ])("is read whole from a file that was %s", async (_how, make) => {
    const body = "x\r\n\xff".repeat(length).slice(0, length);
    const read = reader("p-").read(make(known(HEAD + body)));
    if (!("message" in read)) throw new Error(`no package: ${read.kind}`);
    expect([`${read.sender}`, read.recipients.map(String), `${read.head.recipient}`]).toEqual([
      "a@x",
      ["b@y"],
      "p-b@y",
    ]);
    expect(read.message).toMatchObject({ encoding: "unix", length });
    expect(await bodyOf(read.message)).toBe(body);
    expect(broken).toEqual([]);
  });
});

describe("the prefix", () => {
  test.each([
    ["", "p-b@y"],
    ["p", "-b@y"],
    ["p-", "b@y"],
    ["p-b@y", ""],
  ])("'%s' is removed from the recipient", (prefix, recipient) => {
    const read = reader(prefix).read(known(HEAD));
    expect("message" in read && read.recipients.map(String)).toEqual([recipient]);
  });

  test.each(["q", "p-b@yz", "P-", "b@y"])(
    "'%s' does not match the recipient: the file is ignored",
    (prefix) => {
      expect(reader(prefix).read(known(HEAD))).toEqual({ kind: "ignored" });
    },
  );
});

describe("a file is not a package", () => {
  const noHead = "it does not begin with 'Return-Path: <sender>' and 'Delivered-To: recipient'";

  test.each([
    ["when it is empty", "", "it is empty"],
    ["without a head", "x", noHead],
    ["when its head has no end", HEAD.slice(0, -1), noHead],
    ["without a head in the first read", "x".repeat(BEGINNING), noHead],
    ["without a head in its beginning", "x".repeat(BEGINNING + 1), `${noHead} within its first 65536 bytes`],
  ])("%s", (_, content, why) => {
    expect(reader().read(known(content))).toEqual({ kind: "headless", why });
  });

  test("when it has gone", () => {
    expect(reader().read(unknown())).toEqual({ kind: "gone" });
  });

  test("when it is not a file", () => {
    mkdirSync(path);
    expect(reader().read(unknown())).toEqual({ kind: "unreadable", why: "it is a directory" });
  });

  test("when a pipe is in its place, which does not block", () => {
    execFileSync("mkfifo", [path]);
    expect(reader().read(unknown())).toEqual({ kind: "headless", why: "it is empty" });
  });

  test.each([0, BEGINNING - HEAD.length])("when it has grown since it was listed with %i bytes", (length) => {
    const file = known(HEAD + "x".repeat(length));
    appendFileSync(path, "x");
    expect(reader().read(file)).toEqual({ kind: "unreadable", why: "it changed while it was read" });
  });

  test("when it has shrunk since it was listed", () => {
    const file = known(`${HEAD}hi`);
    writeFileSync(path, HEAD);
    expect(reader().read(file)).toMatchObject({ kind: "unreadable" });
  });
});

test("a large file that changes once its beginning is read is reported, and never completes", async () => {
  const read = reader().read(known(HEAD + "x".repeat(200_000)));
  appendFileSync(path, "more");
  if (!("message" in read)) throw new Error(`no package: ${read.kind}`);
  await expect(bodyOf(read.message)).rejects.toThrow("new/1 changed while it was sent");
  expect(broken).toEqual(["new/1"]);
});
