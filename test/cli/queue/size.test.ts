import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { hook, noProc, PEAK, peakOf, startHashingServer } from "../../support/memory.ts";
import { stopAll } from "../../support/processes.ts";
import { ENVELOPE, envelopeFor, homeWith, queue, queueShell } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

describe.skipIf(noProc)("a message of 120 MB is sent unchanged, in bounded memory,", () => {
  const message = Buffer.alloc(120_000_000, "0123456789\r\nabc\n");
  const expected = wirePackage({ message });
  const sha256 = createHash("sha256").update(expected).digest("hex");

  test.each([
    ["from a pipe", 'cat "$MESSAGE" | "$QMTPC" 1<"$ENVELOPE"'],
    ["from a file", '"$QMTPC" <"$MESSAGE" 1<"$ENVELOPE"'],
  ])("%s, and nothing is left in TMPDIR", async (_what, command) => {
    const small = await startScriptedServer({ reply: "3:Kok,", after: 22 });
    const idle = await queue({ env: { ...homeWith(small.endpoint), ...hook(PEAK) } });
    const server = await startHashingServer(expected.length);
    const TMPDIR = temporaryFolder();
    const env = { ...homeWith(server.endpoint), ...hook(PEAK), TMPDIR };
    const sent = await queueShell(command, { message, env });
    expect(sent).toMatchObject({ code: 0, stdout: "" });
    expect(server.seen.bytes).toBe(expected.length);
    expect(server.digest()).toBe(sha256);
    expect(readdirSync(TMPDIR)).toEqual([]);
    // Up to 8 MiB stays in memory before it spills to a file; the rest is chunks not collected yet.
    expect(peakOf(sent.stderr) - peakOf(idle.stderr)).toBeLessThan(64);
  });
});

test("100,000 recipients make one package, and each gets its response", async () => {
  const recipients = Array.from({ length: 100_000 }, (_, index) => `r${index}@example.org`);
  const bytes = wirePackage({ message: "hi\n", recipients });
  const reply = `${"3:Kok,".repeat(99_999)}3:Dno,`;
  const server = await startScriptedServer({ reply, after: bytes.length });
  const sent = await queue({ envelope: envelopeFor(...recipients), env: homeWith(server.endpoint) });
  const stderr = "qmail-qmtpc: r99999@example.org: failure: no\n";
  expect(sent).toEqual({ code: 31, signal: null, stdout: "", stderr });
  expect(server.received.equals(bytes)).toBe(true);
});

test("of the bundles in dist, only the program itself is loaded", async () => {
  const files = hook('Object.keys(require.cache).filter((file) => /dist/.test(file)).join(" ")');
  const server = await startScriptedServer({ reply: "3:Dno,", after: 22 });
  const env = { ...homeWith(server.endpoint), ...files };
  const { code, stderr } = await queue({ env, envelope: ENVELOPE });
  expect(code).toBe(31);
  expect(stderr).toMatch(/^qmail-qmtpc: b@y: failure: no\n\S+\/dist\/start\.js$/);
});
