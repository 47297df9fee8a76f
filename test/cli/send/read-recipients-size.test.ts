import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { hook, noProc, PEAK, peakOf, startHashingServer } from "../../support/memory.ts";
import { LAUNCHER, shell, stopAll } from "../../support/processes.ts";
import { SENDMAIL } from "../../support/sendmail.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

describe.skipIf(noProc)("only Bcc is removed from a message of 150 MB, in bounded memory,", () => {
  const fields = "From: a@x\nDate: d\nMessage-ID: <1@x>\nTo: b@y\n";
  const body = Buffer.alloc(150_000_000, "0123456789\nBcc: a\n\xff\n.x\n", "latin1");
  const message = Buffer.concat([Buffer.from(`${fields}Bcc: c@y,\n d@y\n\n`), body]);
  const expected = wirePackage({
    message: Buffer.concat([Buffer.from(`${fields}\n`), body]),
    recipients: ["b@y", "c@y", "d@y"],
  });
  const sha256 = createHash("sha256").update(expected).digest("hex");

  test.each([
    ["from a file", '"$QMTP" send -t -f a@x --file "$MESSAGE"'],
    ["from a pipe", 'cat "$MESSAGE" | "$QMTP" send -t -f a@x'],
    ["by sendmail -t", 'cat "$MESSAGE" | "$SENDMAIL" -t -f a@x'],
  ])("%s", async (_what, command) => {
    const [server, folder] = [await startHashingServer(expected.length, 3), temporaryFolder()];
    writeFileSync(`${folder}/message`, message);
    const sent = await shell(command, {
      ...hook(PEAK),
      ...{ QMTP: LAUNCHER, SENDMAIL, MESSAGE: `${folder}/message`, TMPDIR: temporaryFolder() },
      ...{ QMTP_SERVER: server.endpoint },
    });
    expect(server.digest()).toBe(sha256);
    expect(sent.code).toBe(0);
    expect(peakOf(sent.stderr)).toBeLessThan(140);
    expect(readdirSync(folder)).toEqual(["message"]);
  });
});
