import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { mail } from "../../support/maildirs.ts";
import {
  environment,
  type Finished,
  finished,
  LAUNCHER,
  shell,
  start,
  stopAll,
} from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const isRoot = process.getuid?.() === 0;

interface Serial {
  readonly stdin: Writable;
  /** The connection: a socket on descriptor 6, which qmtp reads, and one on 7, which it writes. */
  readonly replies: Duplex;
  readonly sent: () => Buffer;
  /** Resolves when at least `count` bytes have been written to descriptor 7. */
  readonly sentBytes: (count: number) => Promise<void>;
  readonly done: Promise<Finished>;
}

/** Starts `qmtp serial` as a UCSPI client would. */
function startSerial(
  prefix: string,
  env: NodeJS.ProcessEnv = {},
  args = [LAUNCHER, "serial", prefix],
): Serial {
  const child = start(process.execPath, args, {
    env: environment({ TCPREMOTEIP: undefined, ...env }),
    stdio: ["pipe", "pipe", "pipe", "ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const [, , , , , , replies, writing] = child.stdio as unknown as [...(null | Duplex)[]];
  let chunks = Buffer.alloc(0);
  const reading = writing as Readable;
  reading.on("data", (chunk: Buffer) => {
    chunks = Buffer.concat([chunks, chunk]);
  });
  for (const stream of [replies, writing, child.stdin]) stream?.on("error", () => {});
  return {
    stdin: child.stdin as Writable,
    replies: replies as Duplex,
    sent: () => chunks,
    sentBytes: async (count) => {
      while (chunks.length < count) await once(reading, "data");
    },
    done: finished(child),
  };
}

/** Writes files to a temporary folder; returns their paths, in order. */
function filesOf(files: Readonly<Record<string, string>>): string[] {
  const folder = temporaryFolder();
  return Object.entries(files).map(([name, content]) => {
    writeFileSync(`${folder}/${name}`, content, "latin1");
    return `${folder}/${name}`;
  });
}

const names = (paths: readonly string[]) => paths.map((path) => `${path}\0`).join("");
const BODY = "Subject: x\r\n\nhi";
const pkg = (recipient: string) => wirePackage({ message: BODY, recipients: [recipient] });

/** Sends one file and feeds `reply` back as the response. */
async function result(reply: string, env: NodeJS.ProcessEnv = {}): Promise<[Finished, path: string]> {
  const [path = ""] = filesOf({ one: mail("b@y", BODY) });
  const serial = startSerial("", env);
  serial.stdin.end(`${path}\0`);
  await serial.sentBytes(pkg("b@y").length);
  serial.replies.write(Buffer.from(reply, "latin1"));
  return [await serial.done, path];
}

describe("a result is a record: name, NUL, status, text, LF", () => {
  test("K, Z and D in the order of the names, and packages without head or prefix", async () => {
    const paths = filesOf({
      one: mail("p-b@y", BODY),
      "two\n": mail("p-c@y", BODY),
      three: mail("p-d@y", BODY),
    });
    const serial = startSerial("p-");
    serial.stdin.end(names(paths));
    const bytes = Buffer.concat([pkg("b@y"), pkg("c@y"), pkg("d@y")]);
    await serial.sentBytes(bytes.length);
    expect(serial.sent().equals(bytes)).toBe(true);
    serial.replies.write("3:Kok,6:Zlater,3:Dno,");
    const [one, two, three] = paths;
    const stdout = `${one}\0Kok\n${two}\0Zlater\n${three}\0Dno\n`;
    expect(await serial.done).toEqual({ code: 0, signal: null, stdout, stderr: "" });
  });

  const rows: ReadonlyArray<[string, reply: string, NodeJS.ProcessEnv, record: string]> = [
    ["$TCPREMOTEIP", "3:Kok,", { TCPREMOTEIP: "192.0.2.1" }, "K192.0.2.1 said: ok"],
    ["no text", "1:D,", {}, "D"],
    ["bytes outside 32 to 126 become ?", "8:Z\x1f ~\x7f\xff\n\0,", {}, "Z? ~????"],
    ["2,000 bytes are kept", `2000:K${"x".repeat(1_999)},`, {}, `K${"x".repeat(1_999)}`],
    ["more than 2,000 bytes are cut", `2001:K${"x".repeat(2_000)},`, {}, `K${"x".repeat(1_999)}`],
    [
      // "K192.0.2.1 said: " is 17 bytes long.
      "the server's address counts towards the 2,000",
      `2000:K${"x".repeat(1_999)},`,
      { TCPREMOTEIP: "192.0.2.1" },
      `K192.0.2.1 said: ${"x".repeat(1_983)}`,
    ],
  ];
  test.each(rows)("%s", async (_name, reply, env, record) => {
    const [run, path] = await result(reply, env);
    expect(run).toEqual({ code: 0, signal: null, stdout: `${path}\0${record}\n`, stderr: "" });
  });

  test("names may arrive in pieces, and each record follows its response at once", async () => {
    const [one = "", two = ""] = filesOf({ one: mail("b@y", BODY), two: mail("c@y", BODY) });
    const serial = startSerial("");
    serial.stdin.write(one.slice(0, 5));
    serial.stdin.write(one.slice(5));
    serial.stdin.write(`\0${two.slice(0, -1)}`);
    await serial.sentBytes(pkg("b@y").length);
    expect(serial.sent().equals(pkg("b@y"))).toBe(true);
    serial.replies.write("3:K");
    serial.replies.write("ok,");
    serial.stdin.end(`${two.slice(-1)}\0`);
    await serial.sentBytes(pkg("b@y").length + pkg("c@y").length);
    serial.replies.write("3:Kok,");
    expect(await serial.done).toMatchObject({ code: 0, stdout: `${one}\0Kok\n${two}\0Kok\n`, stderr: "" });
  });
});

describe("there is no record for", () => {
  test("an empty list: nothing is sent, exit code 0", async () => {
    const serial = startSerial("");
    serial.stdin.end();
    expect(await serial.done).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    expect(serial.sent().length).toBe(0);
  });

  test("files for other prefixes or without a head: exit code 0", async () => {
    const paths = filesOf({
      other: mail("q-b@y"),
      headless: "Subject: x\n\nhi",
      empty: "",
      ours: mail("p-b@y", BODY),
    });
    const serial = startSerial("p-");
    serial.stdin.end(names(paths));
    await serial.sentBytes(pkg("b@y").length);
    serial.replies.write("3:Kok,");
    expect(await serial.done).toEqual({ code: 0, signal: null, stdout: `${paths[3]}\0Kok\n`, stderr: "" });
    expect(serial.sent().equals(pkg("b@y"))).toBe(true);
  });

  test("files that cannot be read: exit code 111, and the rest are sent", async () => {
    const [ours = "", denied = ""] = filesOf({ ours: mail("b@y", BODY), denied: mail("b@y", BODY) });
    const folder = temporaryFolder();
    mkdirSync(`${folder}/folder`);
    const bad = [`${folder}/none`, `${folder}/folder`];
    if (isRoot)
      console.log("skipped: a file without permission for serial, because root may read everything");
    else {
      chmodSync(denied, 0);
      bad.push(denied);
    }
    const serial = startSerial("");
    serial.stdin.end(names([...bad, ours]));
    await serial.sentBytes(pkg("b@y").length);
    serial.replies.write("3:Kok,");
    const run = await serial.done;
    expect(run).toMatchObject({ code: 111, stdout: `${ours}\0Kok\n` });
    expect(run.stderr.trimEnd().split("\n").length, "a line for each").toBe(bad.length);
    expect(serial.sent().equals(pkg("b@y"))).toBe(true);
  });

  test.each(["", "3:K", "3:Kok,"])(
    "files without a response when the server hangs up after '%s': exit code 111",
    async (reply) => {
      const paths = filesOf({ one: mail("b@y", BODY), two: mail("c@y", BODY) });
      const serial = startSerial("");
      serial.stdin.end(names(paths));
      await serial.sentBytes(pkg("b@y").length * 2);
      serial.replies.end(reply);
      const run = await serial.done;
      expect(run).toMatchObject({ code: 111, stdout: reply === "3:Kok," ? `${paths[0]}\0Kok\n` : "" });
      expect(run.stderr).toMatch(/^qmtp: [^\n]+\n$/);
    },
  );
});

describe("without a connection", () => {
  const line = "no connection on descriptors 6 and 7; run it under a UCSPI client such as tcpclient\n";

  test.each([
    ["both missing", ""],
    ["6 missing", "7>&1"],
    ["7 missing", "6<&0"],
    ["a file on both", "6<FILE 7>>FILE"],
  ])("%s: one line, exit code 111, and nothing is read or written", async (_name, redirections) => {
    const [message = "", file = ""] = filesOf({ message: mail("b@y"), file: "as it was" });
    const with67 = redirections.replaceAll("FILE", file);
    const run = await shell(`printf '%s\\0' ${message} | "$QMTP" serial '' ${with67}`);
    expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${line}` });
    expect(readFileSync(file, "utf8")).toBe("as it was");
  });
});

test("pipes on 6 and 7 work as well as sockets", async () => {
  const [message = ""] = filesOf({ message: mail("b@y", BODY) });
  const folder = temporaryFolder();
  const length = pkg("b@y").length;
  const run = await shell(
    `cd ${folder} && mkfifo back there &&
     { { printf '%s\\0' ${message} | "$QMTP" serial '' 6<back 7>there; echo "exit $?"; } & exec 8>back;
     head -c ${length} <there >sent; printf 3:Kok, >&8; wait; }`,
  );
  expect(run).toEqual({ code: 0, signal: null, stdout: `${message}\0Kok\nexit 0\n`, stderr: "" });
  expect(readFileSync(`${folder}/sent`).equals(pkg("b@y"))).toBe(true);
});

test("wrong usage is exit code 100, for the command and its launcher", async () => {
  for (const args of [["serial"], ["serial", "", "x"], ["serial", "--none", ""], ["serial", "a\nb"]]) {
    const run = await qmtp(args);
    expect(run, args.join(" ")).toMatchObject({ code: 100, stdout: "" });
    expect(run.stderr).toMatch(/^qmtp: [^\n]+\n$/);
  }
  const serial = startSerial("", {}, [LAUNCHER.replace(/qmtp$/, "serialqmtp")]);
  const stderr = "serialqmtp: usage: serialqmtp prefix; see serialqmtp(1)\n";
  expect(await serial.done).toEqual({ code: 100, signal: null, stdout: "", stderr });
});
