import { expect } from "vitest";
import { environment, type Finished, finished, start } from "../processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../receiving-server.ts";

export const SENDMAIL = new URL("../../bin/qmtp-sendmail", import.meta.url).pathname;

/** A message that lacks no field: it goes out as it stands. */
export const COMPLETE =
  "From: a@x\nDate: Tue, 24 Nov 2026 10:00:00 +0000\nMessage-ID: <1@x>\nSubject: s\n\nhi\n";

export interface SendmailInput {
  /** A character for each byte. */
  readonly message?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs qmtp-sendmail to its end. */
export function sendmail(
  args: readonly string[],
  { message = COMPLETE, env = {} }: SendmailInput = {},
): Promise<Finished> {
  const child = start(process.execPath, [SENDMAIL, ...args], {
    env: environment({ QMAILHOME: "/none", ...env }),
  });
  // Whoever ends a message with a dot is not read further.
  child.stdin?.on("error", () => {});
  child.stdin?.end(message, "latin1");
  return finished(child);
}

/** Sends one message, of which nothing is said, and gives what has arrived. */
export async function arrived(args: readonly string[], input: SendmailInput = {}): Promise<ReceivedPackage> {
  const server = await startReceivingServer();
  const sent = await sendmail(args, { ...input, env: { QMTP_SERVER: server.endpoint, ...input.env } });
  expect(sent).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(server.packages.length).toBe(1);
  return server.packages[0] as ReceivedPackage;
}

/** Runs it where it must not send, and gives exit code and line. */
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
