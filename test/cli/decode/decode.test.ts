import { mkdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, printed, shell, startQmtp, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const PACKAGE = "4:\nhi\n,3:a@x,6:3:b@y,,";

describe("the listing", () => {
  test("of a package", async () => {
    const { stdout, code } = await qmtp(["decode"], { input: PACKAGE });
    expect(stdout).toBe(
      [
        "       0  4:\\x0a                              package 1: a message of 3 bytes, encoding unix",
        "       3  hi\\x0a,                             its 3 bytes and the comma, as declared",
        "       7  3:a@x,                              sender",
        "      13  6:                                  list of recipients, 6 bytes",
        "      15  3:b@y,                              recipient",
        "      21  ,                                   end of package 1: 1 recipient, 22 bytes in all",
        "1 package, 1 recipient, 3 bytes of messages, 22 bytes read; no violations",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  });

  test("of responses", async () => {
    const { stdout, code } = await qmtp(["decode"], { input: "3:Kok,1:Z," });
    expect(stdout).toBe(
      [
        "       0  3:Kok,                              response 1: success",
        "       6  1:Z,                                response 2: deferral",
        "2 responses: 1 success, 1 deferral, 0 failure; 10 bytes read; no violations",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  });

  test("of a violation", async () => {
    const { stdout, code } = await qmtp(["decode", "-q"], { input: `3:\nhi\n,3:a@x,6:3:b@y,,${PACKAGE}` });
    const off = "off by one: the length says 3, 4 bytes come before the comma";
    expect(stdout).toBe(
      [
        "       5  3:\\x0ahi>\\x0a<                      VIOLATION (missing-comma): no comma at the end of a message",
        "                                              expected: ',' after the 3 bytes of the message",
        "                                              found: 0x0a",
        "       6                                      goes on at 6, the comma after the message, 1 byte on",
        `                                              likely cause: ${off}; the byte that names the encoding counts, too`,
        "1 package, 1 recipient, 3 bytes of messages, 44 bytes read; 1 violation",
        "",
      ].join("\n"),
    );
    expect(code).toBe(1);
  });

  test("is safe for a terminal, and short", async () => {
    const wire = wirePackage({
      message: `\x1b[31m${"x".repeat(10_000)}`,
      sender: `${"s".repeat(5_000)}\x1b`,
      recipients: ["\x07\n\r", "größe@y"],
    });
    const { stdout, code } = await qmtp(["decode"], { input: wire });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\x20-\x7eöß\n]*$/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThan(2_200);
    expect(stdout).toContain("3:\\x07\\x0a\\x0d,");
    expect(stdout).toContain("größe@y");
  });

  test("is the same however the input arrives", async () => {
    const line = `"$QMTP" encode --test -f a@x b@y > p; "$QMTP" decode p > 1; "$QMTP" decode < p > 2; cat p | "$QMTP" decode > 3`;
    const cmp = `; mkfifo f; cat p > f & "$QMTP" decode f > 4; cmp 1 2 && cmp 1 3 && cmp 1 4 && grep -c 'no violations' 1`;
    const { stdout, stderr } = await shell(
      `cd ${temporaryFolder()}; ${line}${cmp}`.replace("; mkfifo", "; mkfifo"),
    );
    expect({ stdout, stderr }).toEqual({ stdout: "1\n", stderr: "" });
  });
});

test("--json prints an object per event", async () => {
  const input = `4:\nhi\n,3:a@x,6:3:b@\xff,,04:\n`;
  const { stdout, code } = await qmtp(["decode", "--json"], { input: Buffer.from(input, "latin1") });
  const objects = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const common = { schema: 1, type: "decode", file: "-" };
  expect(objects).toEqual([
    { ...common, event: "message", offset: 0, package: 1, encoding: "unix", length: 3 },
    { ...common, event: "body", offset: 3, package: 1, length: 3, start: "hi\n" },
    { ...common, event: "sender", offset: 7, package: 1, sender: "a@x" },
    { ...common, event: "list", offset: 13, package: 1, length: 6 },
    {
      ...common,
      event: "recipient",
      offset: 15,
      package: 1,
      recipient: "b@\\xff",
      recipientBase64: "YkD/",
    },
    { ...common, event: "end", offset: 21, package: 1, length: 22, recipients: 1 },
    {
      ...common,
      event: "violation",
      offset: 23,
      code: "bad-length",
      message: "leading zero in the length of a message",
      expected: "':' after the 0: lengths have no leading zeros",
      before: expect.any(String),
      beforeBase64: expect.any(String),
      found: "4",
      cause: "leading zero",
    },
    {
      ...common,
      event: "stop",
      offset: 23,
      reason: "nowhere up to the end of the input is it certain that a netstring begins",
    },
    {
      ...common,
      event: "total",
      direction: "packages",
      bytes: 26,
      packages: 1,
      recipients: 1,
      messageBytes: 3,
      success: 0,
      deferral: 0,
      failure: 0,
      violations: 1,
    },
  ]);
  expect(code).toBe(1);
});

describe("several files", () => {
  test("are decoded one after the other, each with its name", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/1`, PACKAGE);
    writeFileSync(`${folder}/2`, "3:Kok,");
    const { stdout, code } = await qmtp(["decode", "-q", `${folder}/1`, `${folder}/2`, "-"], { input: "3:" });
    expect(stdout.replaceAll(folder, ".").split("\n")).toEqual([
      "==> ./1 <==",
      "1 package, 1 recipient, 3 bytes of messages, 22 bytes read; no violations",
      "",
      "==> ./2 <==",
      "1 response: 1 success, 0 deferral, 0 failure; 6 bytes read; no violations",
      "",
      "==> standard input <==",
      expect.stringContaining("VIOLATION (truncated)"),
      expect.stringContaining("expected: a message"),
      expect.stringContaining("found: the end of the input"),
      "0 packages, 0 recipients, 0 bytes of messages, 2 bytes read; 1 violation",
      "",
    ]);
    expect(code).toBe(1);
  });

  test("that cannot be read are named; the others are decoded", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/1`, PACKAGE);
    mkdirSync(`${folder}/d`);
    const missing = await qmtp(["decode", "-q", `${folder}/0`, `${folder}/1`]);
    expect(missing.stderr).toBe(
      `qmtp: cannot read ${folder}/0: no such file or directory; name a file that can be read\n`,
    );
    expect(missing.stdout.replaceAll(folder, ".")).toBe(
      "==> ./0 <==\n\n==> ./1 <==\n1 package, 1 recipient, 3 bytes of messages, 22 bytes read; no violations\n",
    );
    expect(missing.code).toBe(111);
    const directory = await qmtp(["decode", "-q", `${folder}/d`, `${folder}/1`]);
    expect(directory.stderr).toContain("it is a directory");
    expect(directory.stdout).toContain("1 package");
    expect(directory.code).toBe(100);
  });
});

describe("a wrong command line is refused", () => {
  test.each([
    [["--packages", "--responses"], "--packages and --responses cannot be combined"],
    [
      ["--responses", "--messages", "m"],
      "--messages and --responses cannot be combined: responses contain no messages",
    ],
    [["-", "-"], "standard input can be read only once"],
  ])("%j", async (args, line) => {
    const refused = await qmtp(["decode", ...args]);
    expect(refused).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  });
});

test("what arrives slowly is listed at once", async () => {
  const child = startQmtp(["decode"], { stdio: "pipe" });
  const first = printed(child.stdout, /response 1: success/);
  child.stdin?.write("3:Kok,");
  await first;
  // A server's greeting is known by its first bytes, though nothing follows it.
  child.stdin?.end("3:Zno,");
  expect(await finished(child)).toMatchObject({ code: 0 });
});

test("a greeting by SMTP is recognised before the connection ends", async () => {
  const child = startQmtp(["decode"], { stdio: "pipe" });
  const cause = printed(child.stdout, /this is SMTP: a server's greeting or reply/);
  child.stdin?.write("220 mx.example.org ESMTP\r\n");
  await cause;
  child.stdin?.end();
  expect(await finished(child)).toMatchObject({ code: 1 });
});

test("after a signal, totals are printed", async () => {
  const child = startQmtp(["decode"], { stdio: "pipe" });
  const first = printed(child.stdout, /response 1: success/);
  child.stdin?.write("3:Kok,3:Z");
  await first;
  const ended = finished(child);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({
    code: 111,
    stdout: "1 response: 1 success, 0 deferral, 0 failure; 9 bytes read; no violations\n",
    stderr: "qmtp: interrupted by SIGTERM\n",
  });
});

test("a reader that goes away ends it quietly", async () => {
  const many = `i=0; while [ $i -lt 20000 ]; do printf '3:Kok,'; i=$((i+1)); done`;
  const run = await shell(`(${many}) | (timeout 30 "$QMTP" decode; echo $? >&2) | head -n 1`);
  expect(run.stdout).toBe("       0  3:Kok,                              response 1: success\n");
  expect(run.stderr).toBe("111\n");
});

test("a terminal is told how to end its input", async () => {
  const { stdout } = await onTerminal('"$QMTP" decode');
  expect(stdout).toContain("reading from the terminal; end it with Ctrl-D on a new line");
});

test("gigantic lengths take no memory, and a pipe is read as it comes", async () => {
  const head = "9000000000:\n";
  const zeros = "head -c 50000000 /dev/zero";
  const run = await shell(`(printf '${head}'; ${zeros}) | "$QMTP" decode -q`);
  expect(run.code).toBe(1);
  expect(run.stdout).toContain(
    "expected: 8950000000 more bytes of the message, and what comes after it".replace(
      "8950000000",
      String(9_000_000_000 - 1 - 50_000_000),
    ),
  );
});

test("long runs of responses are counted", async () => {
  const input = Buffer.concat(Array.from({ length: 30_000 }, (_, index) => netstring(`Kok ${index}`)));
  const { stdout } = await qmtp(["decode", "-q"], { input });
  expect(stdout).toBe(
    `30000 responses: 30000 success, 0 deferral, 0 failure; ${input.length} bytes read; no violations\n`,
  );
});
