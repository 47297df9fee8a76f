import { expect } from "vitest";
import type { Identity } from "./certificates.ts";
import { qmtp, type SinkHere, startSink } from "./in-process.ts";
import {
  type Finished,
  type RunningSink,
  type RunOptions,
  qmtp as startedQmtp,
  startSink as startSinkProcess,
} from "./processes.ts";

const tlsArgs = ({ cert, key }: Identity, args: readonly string[]) => [
  ...["--listen", "qmtps://127.0.0.1:0", "--cert", cert, "--key", key],
  ...args,
];

/** Starts `qmtp sink` with TLS on a free loopback port, in this process. */
export function startTlsSink(identity: Identity, args: readonly string[] = []): Promise<SinkHere> {
  return startSink(tlsArgs(identity, args));
}

/** The same in a process: it exits even though Node still counts clients whose handshake failed. */
export function startTlsSinkProcess(identity: Identity, args: readonly string[] = []): Promise<RunningSink> {
  return startSinkProcess(tlsArgs(identity, args));
}

/** Runs `qmtp send` for one small message from a@x to b@y. */
export function sendTo(
  endpoint: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Finished> {
  // Options of Node need a process.
  const run = options.env?.NODE_OPTIONS === undefined ? qmtp : startedQmtp;
  return run(["send", "-s", endpoint, "-f", "a@x", "b@y", ...args], { input: "hi\n", ...options });
}

/** What the sink prints for the message of `sendTo`. */
export const TAKEN = "a@x -> b@y success; 3 bytes, unix\n";

/** Stops the sink, and checks which messages it accepted. */
export async function expectTaken(sink: SinkHere, taken: string): Promise<void> {
  expect(await sink.stop()).toMatchObject({ code: 0, stdout: taken });
}

/** The part of `--json` output that these tests check. */
export interface Report {
  readonly exitCode: number;
  readonly server: { readonly tls: unknown };
  readonly deliveries: ReadonlyArray<{
    readonly status: string;
    readonly text: string;
    readonly possibleDuplicate: boolean;
  }>;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export function reportOf({ stdout }: Finished): Report {
  return JSON.parse(stdout) as Report;
}

/** Deferred for this reason, with nothing on standard error. */
export function deferredFor(why: string): Finished {
  return { code: 111, signal: null, stdout: `b@y: deferral: ${why}\n`, stderr: "" };
}

/** The sink's success, whose text includes the time. */
export function succeeded(stderr = ""): Record<keyof Finished, unknown> {
  return { code: 0, signal: null, stdout: expect.stringMatching(/^b@y: success: ok \d+ qp \d+\n$/), stderr };
}
