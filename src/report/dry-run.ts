import type { Encoding, Message } from "../protocol/package.ts";
import { field, toJson } from "./json.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

/** What would be sent. */
export interface DryRun {
  readonly endpoints: readonly string[];
  /** Undefined if there is no `mx:` endpoint. */
  readonly exchangers?: readonly DryRunExchanger[] | undefined;
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
  readonly packages: number;
  readonly spool: string | undefined;
  readonly message: { readonly source: string; readonly bytes: number; readonly encoding: Encoding };
  /** The message's first lines, without their line ends. */
  readonly firstLines: readonly Buffer[];
}

/** A server behind an `mx:` endpoint. */
export interface DryRunExchanger {
  readonly endpoint: string;
  readonly exchanger: string;
  readonly preference: number;
  readonly addresses: readonly string[];
  readonly port: number;
}

const ORIGINS: Readonly<Record<string, string>> = { "-": "from standard input", composed: "composed" };

export function* dryRunLines(run: DryRun): Generator<string, void> {
  for (const endpoint of run.endpoints) {
    yield `server: ${sanitise(endpoint)}`;
    yield* exchangerLines(endpoint, run);
  }
  yield `sender: ${run.sender.length === 0 ? "<>" : sanitise(run.sender)}`;
  for (const recipient of run.recipients) yield `recipient: ${sanitise(recipient)}`;
  const { bytes, encoding, source } = run.message;
  yield `message: ${bytes} bytes, encoding ${encoding}, ${ORIGINS[source] ?? `from ${sanitise(source)}`}`;
  yield `packages: ${run.packages}`;
  if (run.spool !== undefined) yield `spool: ${sanitise(run.spool)}`;
  for (const line of run.firstLines) yield `| ${sanitiseCapped(line)}`;
}

function* exchangerLines(endpoint: string, { exchangers = [] }: DryRun): Generator<string, void> {
  for (const { exchanger, preference, addresses, port } of exchangers.filter(
    (one) => one.endpoint === endpoint,
  )) {
    yield `exchanger: ${sanitise(exchanger)}, preference ${preference}, at ${addresses.join(", ")} port ${port}`;
  }
}

export function dryRunJson(run: DryRun): string {
  return toJson({
    schema: 1,
    type: "dry-run",
    endpoints: run.endpoints,
    exchangers: run.exchangers,
    message: run.message,
    packages: run.packages,
    spool: run.spool,
    ...field("sender", run.sender),
    recipients: run.recipients.map((recipient, index) => ({ index, ...field("recipient", recipient) })),
    firstLines: run.firstLines.map(sanitise),
  });
}

/** Enough lines to recognise a message. */
const MAX_LINES = 10;
/** Bytes to read: a message may be a single line. */
const MAX_BYTES = 16_384;

/** The first lines of a message, without their line ends. */
export async function firstLines(message: Message): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of message.chunks()) {
    // Copied, because a chunk is valid only until the next one is read.
    pieces.push(Buffer.from(chunk.subarray(0, MAX_BYTES - length)));
    length += chunk.length;
    if (length >= MAX_BYTES) break;
  }
  const text = Buffer.concat(pieces).toString("latin1");
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(0, MAX_LINES).map((line) => Buffer.from(line, "latin1"));
}
