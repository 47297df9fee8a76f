import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { finished, shell, startQmtp, startSink, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

describe("an unread standard output does not affect the deliveries", () => {
  test.each([
    ["b@y", 0, "success"],
    ["no@y", 100, "failure"],
    ["later@y", 111, "deferral"],
  ])("closed at once: for %s the exit code is %i", async (recipient, code, status) => {
    const sink = await startSink(["--reject", "^no@", "--defer", "^later@"]);
    for (const json of [[], ["--json"]]) {
      const child = startQmtp(["send", "-s", sink.endpoint, "-f", "a@x", recipient, ...json]);
      const done = finished(child);
      child.stdout?.destroy();
      child.stdin?.end("hi\n");
      expect(await done).toEqual({ code, signal: null, stdout: "", stderr: "" });
      expect(await sink.nextLine()).toBe(`a@x -> ${recipient} ${status}; 3 bytes, unix`);
    }
  });

  test("closed before the start", async () => {
    const sink = await startSink(["--reject", "^no@"]);
    const sent = await shell(`exec "$QMTP" send -s ${sink.endpoint} -f a@x no@y </dev/null >&-`);
    expect(sent).toEqual({ code: 100, signal: null, stdout: "", stderr: "" });
  });

  test("closed after the first of more lines than a pipe holds", async () => {
    const sink = await startSink();
    const list = `${temporaryFolder()}/list`;
    writeFileSync(list, Array.from({ length: 20_000 }, (_, index) => `${index}@example.org\n`).join(""));
    const send = `"$QMTP" send -s ${sink.endpoint} -f a@x --to-file ${list} </dev/null`;
    const sent = await shell(`{ ${send}; echo $? >&2; } | head -n 1`);
    expect(sent.stdout).toMatch(/^0@example\.org: success: ok \d+ qp 1\n$/);
    expect(sent.stderr).toBe("0\n");
  });
});

describe("an unwritable standard output is reported on standard error", () => {
  test.each([
    ["b@y", 0],
    ["no@y", 100],
  ])("and the exit code for %s is %i", async (recipient, code) => {
    const sink = await startSink(["--reject", "^no@"]);
    const sent = await shell(
      `exec "$QMTP" send -s ${sink.endpoint} -f a@x ${recipient} </dev/null >/dev/full`,
    );
    expect(sent).toMatchObject({ code, signal: null, stdout: "" });
    expect(sent.stderr).toMatch(/^qmtp: cannot write the results: .*no space left on device.*\n$/);
  });
});

test("an unwritable standard error changes neither the results nor the exit code", async () => {
  const sink = await startSink(["--reject", "^no@"]);
  for (const where of ["2>/dev/full", "2>&-"]) {
    const sent = await shell(`exec "$QMTP" send -v -s ${sink.endpoint} -f a@x no@y </dev/null ${where}`);
    expect(sent.stdout).toMatch(/^no@y: failure: .+\n$/);
    expect(sent.code).toBe(100);
  }
});

test("a sink keeps running if its output is not read", async () => {
  const sink = await startSink(["--exit-after", "2"]);
  sink.child.stdout?.destroy();
  for (const _ of [1, 2]) {
    const sent = await shell(`exec "$QMTP" send -s ${sink.endpoint} -f a@x b@y </dev/null`);
    expect(sent.code).toBe(0);
  }
  expect(await sink.done).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^qmtp: listening on \S+\n$/),
  });
});
