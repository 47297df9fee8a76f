import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type MessageOptions, openFile, readStream } from "../../src/message/open.ts";
import type { Message } from "../../src/protocol/package.ts";

let folder: string;
let options: MessageOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "qmtp-test-"));
  options = {
    encoding: "unix",
    raw: false,
    temporaryDirectory: folder,
    signal: new AbortController().signal,
  };
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function bytesOf(message: Message): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of message.chunks()) pieces.push(Buffer.from(chunk));
  return Buffer.concat(pieces);
}

function file(content: string | Buffer): string {
  const path = join(folder, "message");
  writeFileSync(path, content);
  return path;
}

describe("a file", () => {
  test.each([
    ["unchanged, for unix", "a\nb", { encoding: "unix", raw: false }, "a\nb"],
    ["from CRLF, for unix", "a\r\nb\r\n", { encoding: "unix", raw: false }, "a\nb\n"],
    ["from LF, for dos", "a\nb", { encoding: "dos", raw: false }, "a\r\nb"],
    ["from CRLF, for dos", "a\r\nb\r\n", { encoding: "dos", raw: false }, "a\r\nb\r\n"],
    ["raw, whatever its content", "a\r\nb\n\r", { encoding: "unix", raw: true }, "a\r\nb\n\r"],
    ["when empty", "", { encoding: "unix", raw: false }, ""],
  ] as const)("is sent %s, as often as needed", async (_, content, format, expected) => {
    const { message, close } = await openFile(file(content), { ...options, ...format });
    expect(message).toMatchObject({ encoding: format.encoding, length: expected.length });
    for (let time = 0; time < 2; time++) expect((await bytesOf(message)).toString()).toBe(expected);
    close();
  });

  test("of many chunks is converted across their boundaries", async () => {
    const line = `${"x".repeat(76)}\r\n`;
    const { message, close } = await openFile(file(line.repeat(80_000)), options);
    const expected = `${"x".repeat(76)}\n`.repeat(80_000);
    expect(message.length).toBe(expected.length);
    expect((await bytesOf(message)).equals(Buffer.from(expected))).toBe(true);
    close();
  });

  test.each([
    ["grew", (path: string) => appendFileSync(path, "more")],
    ["shrank", (path: string) => truncateSync(path, 10)],
    ["was written to", (path: string) => utimesSync(path, 1, 1)],
    ["has other line ends", (path: string) => writeFileSync(path, "\n".repeat(600_000))],
  ])("that %s since it was counted is not sent to its end", async (_, change) => {
    for (const raw of [true, false]) {
      const path = file("some text\r\n".repeat(60_000));
      const { message, close } = await openFile(path, { ...options, raw });
      change(path);
      await expect(bytesOf(message)).rejects.toThrow(`${path} changed while it was sent`);
      close();
    }
  });

  test("that changes between its chunks is not sent to the end", async () => {
    const path = file("x".repeat(5_000_000));
    const { message, close } = await openFile(path, options);
    const chunks = (message.chunks() as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    await chunks.next();
    appendFileSync(path, "more");
    const rest = (async () => {
      while (!(await chunks.next()).done);
    })();
    await expect(rest).rejects.toMatchObject({ code: "unreadable-input" });
    close();
  });

  test("that is missing or a directory is refused, with its path and the reason", async () => {
    await expect(openFile(join(folder, "absent"), options)).rejects.toThrow(
      `cannot read ${folder}/absent: no such file or directory`,
    );
    await expect(openFile(folder, options)).rejects.toThrow(`cannot read ${folder}: it is a directory`);
  });

  test("that is a named pipe is read like standard input", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const opened = openFile(path, options);
    const { open } = await import("node:fs/promises");
    const writer = await open(path, "w");
    await writer.write("through\r\nthe pipe");
    await writer.close();
    const { message, close } = await opened;
    expect((await bytesOf(message)).toString()).toBe("through\nthe pipe");
    close();
  });

  test("that is a pipe without a writer can be abandoned", async () => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const stop = new AbortController();
    const opened = openFile(path, { ...options, signal: stop.signal });
    setImmediate(() => stop.abort(new Error("SIGINT")));
    await expect(opened).rejects.toThrow("SIGINT");
  });
});

describe("a large regular file on standard input", () => {
  const MIB = 1024 * 1024;
  const content = Buffer.alloc(9 * MIB, "To: b@x\n\nsome text\r\n");
  // A copy could not be written.
  const withoutSpool = () => ({ ...options, temporaryDirectory: `${folder}/absent` });

  function standardInput(path: string) {
    const fd = openSync(path, "r");
    onTestFinished(() => closeSync(fd));
    const chunks = Readable.from([]);
    return { fd, input: Object.assign(chunks, { regularFile: fd }) };
  }

  test.each([
    ["", false, content.toString().replaceAll("\r\n", "\n")],
    ["raw", true, content.toString()],
  ])("is sent where it lies, from where its descriptor is: %s", async (_, raw, text) => {
    const { fd, input } = standardInput(file(content));
    readSync(fd, Buffer.alloc(4), 0, 4, null);
    const { message, close } = await readStream(input, "standard input", { ...withoutSpool(), raw });
    const expected = Buffer.from(text.slice(4));
    expect(message.length).toBe(expected.length);
    for (let time = 0; time < 2; time++) expect((await bytesOf(message)).equals(expected)).toBe(true);
    close();
  });

  test("gets a new header", async () => {
    const { fd, input } = standardInput(file(content));
    readSync(fd, Buffer.alloc(1), 0, 1, null);
    const editHeader = async ({ bytes }: { bytes: Buffer }) => Buffer.from(`was ${bytes}`);
    const { message } = await readStream(input, "standard input", { ...withoutSpool(), editHeader });
    const bytes = await bytesOf(message);
    expect(bytes.length).toBe(message.length);
    expect(bytes.toString("latin1", 0, 30)).toBe("was o: b@x\n\nsome text\nTo: b@x\n");
  });

  test("is refused if it grows meanwhile, because its beginning is unknown then", async () => {
    const path = file(content);
    const opened = readStream(standardInput(path).input, "standard input", options);
    setImmediate(() => appendFileSync(path, "more"));
    await expect(opened).rejects.toThrow("standard input changed while it was read");
  });

  test("can be abandoned while it is read", async () => {
    const stop = new AbortController();
    const opened = readStream(standardInput(file(content)).input, "standard input", {
      ...options,
      signal: stop.signal,
    });
    setImmediate(() => stop.abort(new Error("SIGINT")));
    await expect(opened).rejects.toThrow("SIGINT");
  });
});

describe("a stream", () => {
  const stream = (...chunks: (string | Buffer)[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

  test("is normalised across its chunks", async () => {
    const { message, close } = await readStream(stream("a\r", "\nb\r", "c\r"), "standard input", options);
    expect(message.length).toBe(6);
    expect((await bytesOf(message)).toString()).toBe("a\nb\rc\r");
    close();
  });

  test("of more than 8 MiB goes to an unlinked file, and is read back in full, twice", async () => {
    const chunk = Buffer.alloc(100_000, "some text\r\n");
    const { message, close } = await readStream(stream(...Array(100).fill(chunk)), "standard input", options);
    expect(readdirSync(folder)).toEqual([]);
    const expected = chunk.toString().repeat(100).replaceAll("\r\n", "\n");
    expect(message.length).toBe(expected.length);
    for (let time = 0; time < 2; time++) {
      expect((await bytesOf(message)).equals(Buffer.from(expected))).toBe(true);
    }
    close();
  });

  test("that cannot be buffered is an error that names the folder", async () => {
    const large = Buffer.alloc(9 * 1024 * 1024);
    const opened = readStream(stream(large), "standard input", {
      ...options,
      temporaryDirectory: `${folder}/absent`,
    });
    await expect(opened).rejects.toThrow(
      `cannot store the message in ${folder}/absent: no such file or directory`,
    );
  });

  test("that breaks is an error that names it", async () => {
    const broken = new Readable({
      read() {
        this.destroy(Object.assign(new Error("broken"), { code: "EIO" }));
      },
    });
    await expect(readStream(broken, "standard input", options)).rejects.toThrow(
      "cannot read standard input: input/output error",
    );
  });
});
