import { truncateSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { stopAll } from "../../support/processes.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";

afterEach(stopAll);

/** The texts of a spinner, each once. */
function textsOf(output: string): string[] {
  const frames = output.matchAll(/[\u2800-\u28ff](?:\u001b\[39m)? ([^\u001b]*)/g);
  return [...new Set(Array.from(frames, ([, text]) => text as string))];
}

const send = (server: string, more: string) =>
  onTerminal(`"$QMTP" send -s ${server} -f a@x b@y --file /dev/null ${more}`);

test("while it connects, it says so", async () => {
  const port = await portThatNeverAnswers();
  const { stdout } = await send(`127.0.0.1:${port}`, "--connect-timeout 1");
  expect(textsOf(stdout)).toEqual(["connecting"]);
});

test("before a retry, it counts the seconds; in it, it names the attempt", async () => {
  const sink = await startSink(["--defer", ".", "--delay", "700"]);
  const { stdout } = await send(sink.endpoint, "--retry 1 --retry-delay 1.1");
  const texts = textsOf(stdout);
  expect(texts).toContain("attempt 2 of 2 in 1 s");
  expect(texts).toContainEqual(
    expect.stringMatching(/^attempt 2 of 2: sent 19 B, \S+ k?B\/s; waiting for responses$/),
  );
  // On a line of its own, which stays.
  expect(stdout).toMatch(
    /qmtp: attempt 2 of 2 in 1\.\d s: sorry, this recipient is deferred here \(#4\.3\.0\)\r\n/,
  );
});

test("without a terminal, a retry is said in a line, and there is no spinner", async () => {
  const { stdout } = await send(`127.0.0.1:${await unusedPort()}`, "--retry 1 --retry-delay 0.8 2>&1 | cat");
  expect(stdout).toMatch(
    /^qmtp: attempt 2 of 2 in (0\.[89]|1(\.\d)?) s: cannot connect to .*\r\nb@y: deferral: .*\r\n$/,
  );
});

test("while a large file is counted, it moves", { timeout: 60_000 }, async () => {
  const file = `${temporaryFolder()}/large`;
  writeFileSync(file, "");
  truncateSync(file, 2 * 1024 ** 3);
  const { stdout, code } = await send("192.0.2.1", `-n --file ${file}`);
  expect(code).toBe(0);
  const texts = textsOf(stdout);
  expect(texts.length).toBeGreaterThan(1);
  for (const text of texts) expect(text).toMatch(/^read \d.* of 2\.15 GB$/);
});

test("after Ctrl-C, it waits for responses and does not go on as if nothing had happened", async () => {
  const sink = await startSink(["--fault", "stall"]);
  const interrupted = `"$QMTP" send -s ${sink.endpoint} --split --timeout 3 -f a@x b@y c@y --file /dev/null & \
    sleep 1; kill -TERM $!; wait $!`;
  const { stdout } = await onTerminal(interrupted);
  const texts = textsOf(stdout);
  expect(texts.at(-1)).toBe("interrupted; waiting for responses");
  expect(stdout).toContain("b@y: ");
});
