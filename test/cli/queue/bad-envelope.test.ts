import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { stopAll } from "../../support/processes.ts";
import { envelopeFor, homeWith, queue, queueHere, queueShell } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

const WHOLE = "Fa@x\0Tb@y\0Tc\0\0";
/** Empty, one byte, on either side of a NUL, all but the last NUL; test/envelope/queue-envelope.test.ts cuts at every byte. */
const cuts = [0, 1, 4, 5, WHOLE.length - 1].map((length) => WHOLE.slice(0, length));
const lengths = cuts.map(({ length }) => length);
const why = (length: number) =>
  `qmail-qmtpc: bad envelope on descriptor 1: it ended after ${length} bytes, before its last NUL; nothing was sent\n`;

describe("an envelope cut short anywhere before its last NUL is exit code 91, and no server is contacted", () => {
  test("on a socket", async () => {
    const server = await startScriptedServer({ reply: "3:Kok,3:Kok," });
    for (const envelope of cuts) {
      const sent = await queue({ envelope, env: homeWith(server.endpoint) });
      expect(sent, JSON.stringify(envelope)).toEqual({
        ...{ code: 91, signal: null, stdout: "" },
        stderr: why(envelope.length),
      });
    }
    expect(server.connections).toBe(0);
    // The whole envelope does reach the server.
    expect(await queue({ envelope: WHOLE, env: homeWith(server.endpoint) })).toMatchObject({ code: 0 });
    expect(server.connections).toBe(1);
  });

  test.each([
    ["in a file", '"$QMTPC" <"$MESSAGE" 1<"$FILE"'],
    ["on a pipe", 'cat "$FILE" | "$QMTPC" 1<&0 <"$MESSAGE"'],
    ["on a pipe, for `qmtp queue`", 'cat "$FILE" | "$QMTP" queue 1<&0 <"$MESSAGE"'],
  ])("%s", async (_where, command) => {
    const server = await startScriptedServer({ reply: "3:Kok,3:Kok," });
    const folder = temporaryFolder();
    for (const envelope of cuts) writeFileSync(`${folder}/${envelope.length}`, envelope, "latin1");
    const each = `for length in $LENGTHS; do FILE="$FOLDER/$length"; ${command}; echo $? >&2; done`;
    const sent = await queueShell(each, {
      env: { ...homeWith(server.endpoint), FOLDER: folder, LENGTHS: lengths.join(" ") },
    });
    expect(sent.stderr.replaceAll("qmtp: bad", "qmail-qmtpc: bad")).toBe(
      lengths.map((length) => `${why(length)}91\n`).join(""),
    );
    expect(server.connections).toBe(0);
  });
});

test("an address of 1,003 bytes or more is exit code 11, and no server is contacted", async () => {
  const server = await startScriptedServer({ reply: "3:Kok," });
  const sent = await queueHere({ envelope: envelopeFor("a".repeat(1_003)), env: homeWith(server.endpoint) });
  const stderr =
    "qmail-qmtpc: the address at byte 5 of the envelope has 1003 bytes, over 1002; nothing was sent\n";
  expect(sent).toEqual({ code: 11, signal: null, stdout: "", stderr });
  expect(server.connections).toBe(0);
});

test.each([
  ["no recipients", "Fa@x\0\0", "it has no recipients"],
  ["no sender", "\0", "it has no sender"],
  ["a recipient in place of the sender", "Tb@y\0\0", "it does not begin with F and the sender"],
  ["a second sender", "Fa@x\0Fb@y\0\0", "T and a recipient expected at byte 5"],
  [
    "newlines instead of NULs",
    "Fa@x\nTb@y\n\n",
    "it ended after 11 bytes, before its last NUL; nothing was sent",
  ],
])("an envelope with %s is exit code 91, with one line", async (_what, envelope, line) => {
  const server = await startScriptedServer({ reply: "3:Kok," });
  const sent = await queueHere({ envelope, env: homeWith(server.endpoint) });
  const stderr = `qmail-qmtpc: bad envelope on descriptor 1: ${line}\n`;
  expect(sent).toEqual({ code: 91, signal: null, stdout: "", stderr });
  expect(server.connections).toBe(0);
});
