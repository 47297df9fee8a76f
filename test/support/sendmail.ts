import { expect } from "vitest";
import { launch } from "./in-process.ts";
import type { Finished } from "./processes.ts";
import { type ReceivedPackage, startReceivingServer } from "./receiving-server.ts";

export const SENDMAIL = new URL("../../bin/qmtp-sendmail", import.meta.url).pathname;

/** A message that lacks no field: it is sent unchanged. */
export const COMPLETE =
  "From: a@x\nDate: Tue, 24 Nov 2026 10:00:00 +0000\nMessage-ID: <1@x>\nSubject: s\n\nhi\n";

export interface SendmailInput {
  /** One character per byte. */
  readonly message?: string;
  readonly env?: Record<string, string>;
}

/** Runs qmtp-sendmail to its end. */
export function sendmail(
  args: readonly string[],
  { message = COMPLETE, env = {} }: SendmailInput = {},
): Promise<Finished> {
  const input = Buffer.from(message, "latin1");
  return launch("qmtp-sendmail", args, { input, env: { QMAILHOME: "/none", ...env } });
}

/** Sends one message silently, and returns what arrived. */
export async function arrived(args: readonly string[], input: SendmailInput = {}): Promise<ReceivedPackage> {
  const server = await startReceivingServer();
  const sent = await sendmail(args, { ...input, env: { QMTP_SERVER: server.endpoint, ...input.env } });
  expect(sent).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(server.packages.length).toBe(1);
  return server.packages[0] as ReceivedPackage;
}

/** Runs it on input that it must not send. Returns the exit code and the line. */
export async function refused(
  args: readonly string[],
  input: SendmailInput = {},
): Promise<[number | null, string]> {
  const server = await startReceivingServer();
  const sent = await sendmail(args, { ...input, env: { QMTP_SERVER: server.endpoint, ...input.env } });
  expect([sent.stdout, server.connections]).toEqual(["", 0]);
  expect(sent.stderr).toMatch(/^qmtp-sendmail: [^\n]+\n$/);
  return [sent.code, sent.stderr.slice("qmtp-sendmail: ".length, -1)];
}
