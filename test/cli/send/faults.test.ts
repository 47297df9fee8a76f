import { truncateSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** The response takes 23 bytes on the wire: length, status, this text, comma. */
const OK = expect.stringMatching(/^ok \d{10} qp 1$/);
const success = { status: "success", text: OK, origin: "server", possibleDuplicate: false };
const deferral = (text: string, possibleDuplicate = true) => ({
  status: "deferral",
  text: possibleDuplicate ? `${text} (the message may have been delivered)` : text,
  origin: "client",
  possibleDuplicate,
});

interface Expected {
  readonly args?: readonly string[];
  readonly exitCode: number;
  /** One for b@y and one for c@y. */
  readonly deliveries: readonly object[];
  readonly violations?: ReadonlyArray<{ code: string; message: string; offset: number }>;
  readonly error: object | null;
  readonly stderr?: string | RegExp;
}

async function expectFrom(fault: string, message: readonly string[], expected: Expected): Promise<void> {
  const sink = await startSink(["--fault", fault]);
  const args = ["-s", sink.endpoint, "-f", "a@x", "b@y", "c@y", ...message, ...(expected.args ?? [])];
  const sent = await qmtp(["send", "--json", ...args], { input: "hi\n" });
  const { deliveries, violations, error, exitCode } = JSON.parse(sent.stdout);
  expect(deliveries).toEqual([
    { index: 0, recipient: "b@y", ...expected.deliveries[0] },
    { index: 1, recipient: "c@y", ...expected.deliveries[1] },
  ]);
  expect(violations).toEqual(expected.violations ?? []);
  expect(error).toEqual(expected.error);
  expect(sent.stderr).toMatch(expected.stderr ?? /^$/);
  expect(sent.code).toBe(expected.exitCode);
  expect(exitCode).toBe(expected.exitCode);
}

describe("the client diagnoses every fault of the sink", () => {
  test("close-before-response", async () => {
    const message = "connection closed before a response came";
    await expectFrom("close-before-response", [], {
      exitCode: 111,
      deliveries: [deferral(message), deferral(message)],
      error: { code: "connection-closed", fault: "remote", message },
    });
  });

  test("close-mid-response", async () => {
    const message = "connection closed in the middle of a response";
    await expectFrom("close-mid-response", [], {
      exitCode: 111,
      deliveries: [success, deferral(message)],
      error: { code: "connection-closed", fault: "remote", message },
    });
  });

  test("one-response", async () => {
    const message = "one response for several recipients: this server seems to answer once per package";
    await expectFrom("one-response", [], {
      args: ["--timeout", "0.5"],
      exitCode: 111,
      deliveries: [
        success,
        {
          ...deferral("no response for this recipient: this server seems to answer once per package"),
          text: "no response for this recipient: this server seems to answer once per package (the message may have been delivered); qmtp send --split avoids this",
        },
      ],
      violations: [{ code: "missing-responses", message, offset: 23 }],
      error: { code: "missing-responses", fault: "remote", message },
      stderr:
        /^qmtp: the server broke the protocol at byte 23: one response for .*; qmtp send --split avoids this\n$/,
    });
  });

  test("extra-response", async () => {
    const message = expect.stringMatching(/^a response to nothing: success: ok \d+ qp 1$/) as string;
    await expectFrom("extra-response", [], {
      exitCode: 0,
      deliveries: [success, success],
      violations: [{ code: "surplus-response", message, offset: 2 * 23 }],
      error: null,
      stderr: /^qmtp: the server broke the protocol at byte 46: a response to nothing: .*\n$/,
    });
  });

  test("bad-length", async () => {
    const what = "leading zero in the length of a response";
    const message = `the server broke the protocol (${what})`;
    await expectFrom("bad-length", [], {
      exitCode: 111,
      deliveries: [deferral(`${message}; no response came`), deferral(`${message}; no response came`)],
      violations: [{ code: "bad-length", message: what, offset: 1 }],
      error: { code: "protocol-violation", fault: "remote", message },
      stderr: /^qmtp: the server broke the protocol at byte 1: leading zero .*\n$/,
    });
  });

  test("bad-status", async () => {
    const what = "a response that begins with none of K, Z and D";
    const message = `the server broke the protocol (${what})`;
    await expectFrom("bad-status", [], {
      exitCode: 111,
      deliveries: [deferral(`${message}; no response came`), deferral(`${message}; no response came`)],
      violations: [{ code: "unknown-status", message: what, offset: 3 }],
      error: { code: "protocol-violation", fault: "remote", message },
      stderr: /^qmtp: the server broke the protocol at byte 3: .*\n$/,
    });
  });

  test("drip", async () => {
    await expectFrom("drip", [], { exitCode: 0, deliveries: [success, success], error: null });
  });

  test("stall", async () => {
    const message = "idle for 0.4 s";
    await expectFrom("stall", [], {
      args: ["--timeout", "0.4"],
      exitCode: 111,
      deliveries: [deferral(`${message}; no response came`), deferral(`${message}; no response came`)],
      error: { code: "no-progress", fault: "remote", message },
    });
  });

  test("stall, until --max-time runs out", async () => {
    const text = "no response came within 0.9 s";
    await expectFrom("stall", [], {
      args: ["--max-time", "0.9"],
      exitCode: 111,
      deliveries: [deferral(text), deferral(text)],
      error: { code: "session-too-long", fault: "remote", message: "the run was ended after 0.9 s" },
    });
  });
});

describe("faults in the middle of a package too large for any buffer", () => {
  const large = () => {
    const file = `${temporaryFolder()}/large`;
    writeFileSync(file, "");
    truncateSync(file, 64 * 1024 * 1024);
    return ["--file", file];
  };

  test("early-response: no recipient succeeds", async () => {
    const what = "a response before the end of the package: success: ok, before it came";
    const message = `the server broke the protocol (${what})`;
    await expectFrom("early-response", large(), {
      exitCode: 111,
      deliveries: [deferral(message, false), deferral(message, false)],
      violations: [{ code: "early-response", message: what, offset: 0 }],
      error: { code: "protocol-violation", fault: "remote", message },
      stderr: /^qmtp: the server broke the protocol at byte 0: a response before .*\n$/,
    });
  });

  test("close-mid-package: there are no possible duplicates", async () => {
    // Which of the two depends on what was still in flight.
    const ended = expect.stringMatching(/^connection (closed|reset) before the message was sent$/) as string;
    const message = expect.stringMatching(/^connection (closed|reset) before a response came$/) as string;
    await expectFrom("close-mid-package", large(), {
      exitCode: 111,
      deliveries: [deferral(ended, false), deferral(ended, false)],
      error: {
        code: expect.stringMatching(/^connection-(closed|failed)$/),
        fault: expect.any(String),
        message,
      },
    });
  });
});
