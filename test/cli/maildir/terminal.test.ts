import { afterEach, expect, test } from "vitest";
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
