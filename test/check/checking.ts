import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Case } from "../../src/check/case.ts";
import { CASES } from "../../src/check/cases/all.ts";
import { Inbox } from "../../src/check/inbox.ts";
import { needsMet } from "../../src/check/needs.ts";
import type { Subject } from "../../src/check/probe.ts";
import type { Result, RunEnd } from "../../src/check/result.ts";
import { type RunOptions, runCases } from "../../src/check/runner.ts";
import { createMaildir } from "../../src/maildir/store.ts";
import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";
import type { RecipientRule } from "../../src/sink/rules.ts";
import { type SinkOptions, serve } from "../../src/sink/server.ts";
import { Connector } from "../../src/transport/connector.ts";
import { type Endpoint, parseEndpoint } from "../../src/transport/endpoint.ts";

export const TO = "check@example.org";
export const REFUSED = "refused@example.org";

const REFUSES: RecipientRule = {
  pattern: /^refused@/,
  response: { status: "failure", text: Buffer.from("no such user (#5.1.1)") },
};

export interface CheckedSink {
  readonly endpoint: Endpoint;
  readonly maildir: string;
  stop(): Promise<void>;
}

/** A sink on a free port, with a maildir, that refuses `REFUSED`. */
async function startSink(
  kinds: readonly Misbehaviour[],
  options: Partial<SinkOptions>,
): Promise<CheckedSink> {
  const maildir = mkdtempSync(`${tmpdir()}/qmtp-check-`);
  await createMaildir(maildir);
  const ending = new AbortController();
  const listen = parseEndpoint(options.tls ? "qmtps://127.0.0.1:0" : "127.0.0.1:0", { lowest: 0 });
  if (listen.kind !== "tcp" && listen.kind !== "tls") throw new TypeError("not a port");
  let done: Promise<void> | undefined;
  const stop = async () => {
    ending.abort();
    // Node still counts clients that failed in the TLS handshake.
    if (options.tls === undefined) await done;
    rmSync(maildir, { recursive: true, force: true });
  };
  const endpoint = await new Promise<Endpoint>((resolve) => {
    done = serve(listen, {
      rules: { recipients: [REFUSES], maxBytes: Number.POSITIVE_INFINITY, maxRecipients: 100_000 },
      maildir,
      delayMs: 0,
      idleMs: 600_000,
      misbehaving: kinds.length === 0 ? undefined : { kinds, percent: 100, seed: 1 },
      signal: ending.signal,
      onPackage: () => {},
      onEvent: (text) => {
        const [, at] = /^listening on (\S+)/.exec(text) ?? [];
        if (at !== undefined) resolve(parseEndpoint(at));
      },
      ...options,
    });
  });
  return { endpoint, maildir, stop };
}

/** Does something with such a sink, then stops it: tests run at once. */
export async function withSink<T>(
  kinds: readonly Misbehaviour[],
  action: (sink: CheckedSink) => Promise<T>,
  options: Partial<SinkOptions> = {},
): Promise<T> {
  const sink = await startSink(kinds, options);
  try {
    return await action(sink);
  } finally {
    await sink.stop();
  }
}

export interface Checking extends Partial<Omit<Subject, "inbox">>, Partial<RunOptions> {
  readonly inbox?: string;
  readonly large?: boolean;
  readonly slow?: boolean;
}

/** Runs cases against an endpoint, as `qmtp check` does. */
export async function check(
  endpoint: Endpoint,
  cases: readonly Case[] = CASES,
  options: Checking = {},
): Promise<RunEnd & { readonly byId: ReadonlyMap<string, Result> }> {
  const { inbox: maildir, large = false, slow = false, ...rest } = options;
  const inbox = maildir === undefined ? undefined : new Inbox(maildir);
  await inbox?.ignorePresent();
  const nothing = () => {};
  const connector = new Connector({
    connectTimeoutMs: 10_000,
    tls: options.tls,
    env: {},
    groups: new Set(),
    signalGroup: nothing,
    sayAll: async () => {},
  });
  const subject: Subject = {
    endpoint,
    connector,
    signal: new AbortController().signal,
    sender: Buffer.alloc(0),
    to: Buffer.from(TO),
    refused: Buffer.from(REFUSED),
    tls: undefined,
    waitMs: 100,
    timeoutMs: 10_000,
    ...rest,
    inbox,
  };
  const end = await runCases(cases, subject, {
    needs: needsMet(subject, { large, slow }),
    onAnnounced: nothing,
    onResult: nothing,
    ...rest,
  });
  return { ...end, byId: new Map(end.results.map((result) => [result.case.id, result])) };
}

/** The ids of the cases with a verdict. */
export function idsOf({ results }: RunEnd, verdict: Result["verdict"]): string[] {
  return results.filter((result) => result.verdict === verdict).map((result) => result.case.id);
}

/** A case by its id. */
export function caseOf(id: string): Case {
  const found = CASES.find((one) => one.id === id);
  if (found === undefined) throw new RangeError(`there is no case ${id}`);
  return found;
}
