import { truncateSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp } from "../support/in-process.ts";
import { skipsRealServers, startMailfront } from "../support/mailfront.ts";
import { finished, printed, startQmtp, stopAll } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

afterEach(stopAll);

const what = "a real server that does not do all that the protocol asks";
const ACCEPTED = "2.6.0 Message accepted.";
const DOS_REFUSED = "Cannot handle non-LF line terminator";

describe.skipIf(skipsRealServers(what))(what, () => {
  test("one response per package: the rest are deferrals, and the line says so, and that --split avoids it", async () => {
    const server = await startMailfront();
    const args = [
      "send",
      "-s",
      server.endpoint,
      "-f",
      "a@x",
      "b@y",
      "c@y",
      "d@y",
      "--timeout",
      "1",
      "--json",
    ];
    const sent = await qmtp(args, { input: "hi\n" });
    const client = {
      status: "deferral",
      text: "no response for this recipient: this server seems to answer once per package (the message may have been delivered); qmtp send --split avoids this",
      origin: "client",
      possibleDuplicate: true,
    };
    const message = "one response for several recipients: this server seems to answer once per package";
    const first = { status: "success", text: ACCEPTED, origin: "server", possibleDuplicate: false };
    expect(JSON.parse(sent.stdout)).toMatchObject({
      outcome: "partial",
      exitCode: 111,
      deliveries: [
        { recipient: "b@y", ...first },
        { recipient: "c@y", ...client },
        { recipient: "d@y", ...client },
      ],
      // Its one response is 28 bytes long.
      violations: [{ code: "missing-responses", message, offset: 28 }],
      error: { code: "missing-responses", fault: "remote", message },
    });
    expect(sent.stderr).toBe(
      `qmtp: the server broke the protocol at byte 28: ${message}; qmtp send --split avoids this\n`,
    );
    expect(sent.code).toBe(111);
    expect(server.stored().map(String)).toEqual(["a@x\0b@y\0c@y\0d@y\0hi\n"]);
  });

  test("--encoding dos refused: the server's text is shown, and nothing is stored", async () => {
    const server = await startMailfront();
    const args = ["send", "-s", server.endpoint, "-f", "a@x", "b@y", "--encoding", "dos"];
    const sent = await qmtp(args, { input: "hi\n" });
    expect(`${sent.stdout}${sent.stderr}`).toContain(DOS_REFUSED);
    expect(sent.stdout).toMatch(/^b@y: deferral: .+\n$/);
    expect(sent.code).toBe(111);
    expect(server.stored()).toEqual([]);
  });

  test("--encoding dos refused in the middle of a large message: a violation, and no responses", async () => {
    const server = await startMailfront();
    const file = `${temporaryFolder()}/large`;
    writeFileSync(file, "");
    truncateSync(file, 64 * 1024 * 1024);
    const args = ["-f", "a@x", "b@y", "c@y", "--encoding", "dos", "--file", file, "--json"];
    const sent = await qmtp(["send", "-s", server.endpoint, ...args]);
    const { deliveries, violations } = JSON.parse(sent.stdout);
    for (const delivery of deliveries) {
      expect(delivery).toMatchObject({ status: "deferral", origin: "client", possibleDuplicate: false });
      expect(delivery.text).toContain(DOS_REFUSED);
    }
    const message = `a response before the end of the package: deferral: ${DOS_REFUSED}`;
    expect(violations).toEqual([{ code: "early-response", message, offset: 0 }]);
    expect(sent.stderr).toBe(`qmtp: the server broke the protocol at byte 0: ${message}\n`);
    expect(sent.code).toBe(111);
    expect(server.stored()).toEqual([]);
  });

  test("killed in the middle of a large message: all recipients deferred, no possible duplicates", async () => {
    const server = await startMailfront();
    const file = `${temporaryFolder()}/large`;
    writeFileSync(file, "");
    // A sparse file, far more than can be sent before the server is gone.
    truncateSync(file, 2 * 1024 * 1024 * 1024);
    const args = ["-f", "a@x", "b@y", "c@y", "b@y", "--raw", "--file", file, "--json", "-v"];
    const child = startQmtp(["send", "-s", server.endpoint, ...args]);
    const done = finished(child);
    await printed(child.stderr, / > 2147483649:/);
    server.kill();
    const sent = await done;
    const { deliveries, counts } = JSON.parse(sent.stdout);
    expect(counts).toEqual({ success: 0, deferral: 3, failure: 0 });
    for (const [index, recipient] of ["b@y", "c@y", "b@y"].entries()) {
      const text = expect.stringMatching(
        /^connection (closed|reset) before the message was sent: the server may have a limit on size; .+$/,
      );
      expect(deliveries[index]).toEqual({
        index,
        recipient,
        status: "deferral",
        text,
        origin: "client",
        possibleDuplicate: false,
      });
    }
    expect(sent.code).toBe(111);
    expect(server.stored()).toEqual([]);
  });
});
