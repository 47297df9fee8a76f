import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, printed, shell, startQmtp, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const ENVELOPE = ["-f", "a@x", "b@y"];

describe("qmtp encode writes the bytes of a package", () => {
  const rows: ReadonlyArray<[string, string[], string, Buffer]> = [
    ["from standard input", ENVELOPE, "hi\r\nyou\n", wirePackage({ message: "hi\nyou\n" })],
    [
      "with DOS line ends",
      ["--encoding", "dos", ...ENVELOPE],
      "hi\n",
      wirePackage({ message: "hi\r\n", encoding: "\r" }),
    ],
    ["as it is", ["--raw", ...ENVELOPE], "hi\r\n", wirePackage({ message: "hi\r\n" })],
    ["that is empty", ENVELOPE, "", wirePackage({ message: "" })],
    [
      "to many, in order",
      ["-f", "", "1@y", "--to", "2@y", "1@y"],
      "hi\n",
      wirePackage({ message: "hi\n", sender: "", recipients: ["1@y", "2@y", "1@y"] }),
    ],
    [
      "to those in its header, without Bcc",
      ["-t", "-f", "a@x"],
      "To: b@y\nBcc: c@y\n\nhi\n",
      wirePackage({ message: "To: b@y\n\nhi\n", recipients: ["b@y", "c@y"] }),
    ],
    [
      "of its own for each recipient",
      ["--split", "-f", "a@x", "b@y", "c@y"],
      "hi\n",
      Buffer.concat(["b@y", "c@y"].map((one) => wirePackage({ message: "hi\n", recipients: [one] }))),
    ],
  ];
  test.each(rows)("%s", async (_name, args, input, expected) => {
    const stdout = expected.toString();
    expect(await qmtp(["encode", ...args], { input })).toEqual({ code: 0, signal: null, stdout, stderr: "" });
  });

  test("that it composes", async () => {
    const composed = [
      "--subject",
      "s",
      "--body",
      "text",
      "--header",
      "Date: x",
      "--header",
      "Message-ID: <1@x>",
    ];
    const { stdout, code } = await qmtp(["encode", ...composed, ...ENVELOPE]);
    expect(code).toBe(0);
    const [, length = "", rest = ""] = /^(\d+):\n(.*)$/s.exec(stdout) ?? [];
    const message = rest.slice(0, Number(length) - 1);
    expect(message).toMatch(/^(?:[\w-]+: .*\n)+\ntext\n$/);
    expect(message).toContain("Subject: s\n");
    expect(stdout).toBe(wirePackage({ message }).toString());
  });

  test("that is larger than memory for it, byte for byte", async () => {
    const folder = temporaryFolder();
    const line = `${"x".repeat(98)}\r\n`;
    writeFileSync(`${folder}/message`, line.repeat(300_000));
    const command = `cat ${folder}/message | "$QMTP" encode -f a@x b@y > ${folder}/package`;
    expect(await shell(command)).toMatchObject({ code: 0, stderr: "" });
    const expected = wirePackage({ message: line.replace("\r", "").repeat(300_000) });
    expect(readFileSync(`${folder}/package`).equals(expected)).toBe(true);
  });
});

describe("qmtp encode writes responses", () => {
  test("in order, with texts of any kind", async () => {
    const args = [
      "--response",
      "K",
      "ok 1",
      "--response=Z",
      "",
      "--response",
      "D",
      "größe",
      "--response",
      "K",
      "a,",
    ];
    const stdout = Buffer.concat(["Kok 1", "Z", "Dgröße", "Ka,"].map(netstring)).toString();
    expect(await qmtp(["encode", ...args])).toEqual({ code: 0, signal: null, stdout, stderr: "" });
  });

  test("whose text begins with a hyphen, after --", async () => {
    expect((await qmtp(["encode", "--response", "Z", "--", "-busy"])).stdout).toBe("6:Z-busy,");
  });

  const rows: ReadonlyArray<[string[], string]> = [
    [["--response", "K"], "--response K has no text; write it after the letter, '' for an empty one"],
    [
      ["--response", "K", "--response", "Z", "a"],
      "--response K has no text; write it after the letter, '' for an empty one",
    ],
    [
      ["--response", "K", "ok", "b@y"],
      "--response and recipient 'b@y' cannot be combined: write responses or a package",
    ],
    [
      ["--response", "K", "ok", "--test"],
      "--response and --test cannot be combined: write responses or a package",
    ],
    [
      ["-f", "a@x", "--response", "K", "ok"],
      "--response and --from cannot be combined: write responses or a package",
    ],
    [
      ["--response", "K", "ok", "--split"],
      "--response and --split cannot be combined: write responses or a package",
    ],
  ];
  test.each(rows)("but not as in %j", async (args, line) => {
    const refused = await qmtp(["encode", ...args]);
    expect(refused).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  });

  test("but none of another letter", async () => {
    const refused = await qmtp(["encode", "--response", "X", "a"]);
    expect(refused).toMatchObject({ code: 100, stdout: "" });
    expect(refused.stderr).toContain("does not accept 'X': write K, Z or D");
  });
});

describe("qmtp encode refuses with nothing on standard output", () => {
  const rows: ReadonlyArray<[string[], number, RegExp]> = [
    [["-f", "a@x"], 100, /^qmtp: no recipients: .*\n$/],
    [["b@y"], 100, /^qmtp: no sender: .*\n$/],
    [["--file", "/nonexistent", ...ENVELOPE], 111, /^qmtp: cannot read \/nonexistent: no such file.*\n$/],
    [["--file", "/", ...ENVELOPE], 100, /^qmtp: cannot read \/: it is a directory.*\n$/],
    [["-s", "x", ...ENVELOPE], 100, /^qmtp: unknown option '-s'.*\n$/],
  ];
  test.each(rows)("%j", async (args, code, stderr) => {
    const refused = await qmtp(["encode", ...args], { input: "hi\n" });
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toMatch(stderr);
  });
});

test("nothing is written for empty input with -E", async () => {
  const skipped = await qmtp(["encode", "-E", ...ENVELOPE]);
  const stderr = "qmtp: standard input is empty; nothing was written\n";
  expect(skipped).toEqual({ code: 0, signal: null, stdout: "", stderr });
});

test("a terminal gets no bytes", async () => {
  const { stdout, code } = await onTerminal('"$QMTP" encode --test -f a@x b@y');
  expect(stdout).toMatch(
    /^qmtp: standard output is a terminal; redirect it, or pipe it into qmtp decode\r?\n$/,
  );
  expect(code).toBe(100);
});

describe("the exit code says that not everything was written", () => {
  const large = "head -c 3000000 /dev/zero";

  test("because the reader went away, which is quiet", async () => {
    const run = await shell(
      `(${large} | "$QMTP" encode --raw -f a@x b@y; echo $? >&2) | head -c 1 > /dev/null`,
    );
    expect(run.stderr).toBe("111\n");
  });

  test("because there is no room", async () => {
    const run = await shell(`${large} | "$QMTP" encode --raw -f a@x b@y > /dev/full`);
    expect(run).toMatchObject({
      code: 111,
      stderr: "qmtp: cannot write the results: no space left on device\n",
    });
  });

  test("because a signal came while the reader waited", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/message`, Buffer.alloc(3_000_000));
    const child = startQmtp(["encode", "--raw", "--file", `${folder}/message`, ...ENVELOPE], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    // The pipe is full some time after its first bytes are in it.
    await new Promise((resolve) => child.stdout?.once("readable", resolve));
    const said = printed(child.stderr, /interrupted by SIGTERM/);
    child.kill("SIGTERM");
    await said;
    expect(await finished(child)).toMatchObject({ code: 111 });
  });
});

test("what a server answers to it can be decoded in the same pipe", async () => {
  const server = `"$QMTP" sink --listen ucspi: --reject "^c@" 2> /dev/null`;
  const run = await shell(`"$QMTP" encode --test -f a@x b@y c@y | ${server} | "$QMTP" decode`);
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(/^ +0 {2}\d+:Kok .*response 1: success\n +\d+ {2}\d+:D.*response 2: failure/);
  expect(run.stdout).toContain("2 responses: 1 success, 0 deferral, 1 failure;");
});
