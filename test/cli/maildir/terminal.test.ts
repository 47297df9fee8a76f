import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { mail, maildirWith } from "../../support/maildirs.ts";
import { stopAll } from "../../support/processes.ts";
import { onTerminal } from "../../support/terminal.ts";

afterEach(stopAll);

const ESC = "\u001b";

/** What a terminal finally shows, without what a spinner overwrote or erased. */
function shownBy(output: string): string[] {
  return output.split("\r\n").map((line) => {
    let shown = "";
    // A spinner only moves to the first column and erases to the end of the line, in either order.
    for (const part of line.split(`${ESC}[1G`)) if (part !== "") shown = part.replace(`${ESC}[0K`, "");
    return shown.replace(new RegExp(`${ESC}\\[[?\\d]*[a-z]`, "gi"), "");
  });
}

test("lines that go to a file leave the spinner on the terminal alone", async () => {
  const sink = await startSink(["--delay", "150"]);
  const names = Array.from({ length: 12 }, (_, index) => `new/${index}.h`);
  const maildir = maildirWith(Object.fromEntries(names.map((name) => [name, [9, mail("b@y")]])));
  const { stdout } = await onTerminal(`"$QMTP" maildir -s ${sink.endpoint} ${maildir} > ${maildir}/lines`);
  const afterErasing = stdout.split(`${ESC}[0K`).slice(1);
  const last = afterErasing.pop();
  expect(afterErasing.length).toBeGreaterThan(5);
  // Whatever is erased is drawn anew at once, until the end.
  for (const text of afterErasing) expect(text).toMatch(new RegExp(`^(?:${ESC}\\[36m)?[\u2800-\u28ff]`));
  expect(last).toMatch(/^qmtp: 12 messages/);
  expect(readFileSync(`${maildir}/lines`, "utf8").match(/: success: /g)?.length).toBe(12);
});

test("after a signal, it says that it only waits for responses", async () => {
  const sink = await startSink(["--delay", "150"]);
  const names = Array.from({ length: 20 }, (_, index) => `new/${index}.h`);
  const maildir = maildirWith(Object.fromEntries(names.map((name) => [name, [9, mail("b@y")]])));
  const run = `"$QMTP" maildir -s ${sink.endpoint} ${maildir} > ${maildir}/lines`;
  const { stdout } = await onTerminal(`${run} & sleep 1.2; kill -TERM $!; wait $!`);
  const at = stdout.search(/interrupted; waiting for responses; \d+ of 20 messages/);
  expect(at).toBeGreaterThan(0);
  expect(stdout.slice(0, at)).toContain(" s left");
  expect(stdout.slice(at)).not.toContain(" s left");
});

test("while it connects, it says so", async () => {
  const port = await portThatNeverAnswers();
  const maildir = maildirWith({ "new/1.h": [9, mail("b@y")] });
  const args = `-s 127.0.0.1:${port} --connect-timeout 1`;
  const { stdout } = await onTerminal(`"$QMTP" maildir ${args} ${maildir}`);
  expect(stdout).toMatch(/[\u2800-\u28ff]\S* connecting/);
  expect(stdout).not.toContain("0 of 1 messages");
});

test("on a terminal, progress shows messages done, total, rate and time left, and garbles no line", async () => {
  const sink = await startSink(["--delay", "150"]);
  const files = Array.from({ length: 12 }, (_, index): [string, [number, string]] => [
    `new/${index}.h`,
    [900 - index, mail(`r${index}@y`)],
  ]);
  const maildir = maildirWith(Object.fromEntries(files));
  const { code, stdout } = await onTerminal(`"$QMTP" maildir -s ${sink.endpoint} ${maildir} ''`);
  expect(code).toBe(0);
  expect(stdout).toMatch(/ \d+ of 12 messages, \d+\/s, \d+ s left/);
  const lines = shownBy(stdout);
  const results = files.map((_, index) =>
    expect.stringMatching(new RegExp(`^new/${index}\\.h: r${index}@y: success: ok `)),
  );
  expect(lines.slice(0, 12)).toEqual(results);
  expect(lines[12]).toBe("qmtp: 12 messages: 12 success; 12 removed");
});
