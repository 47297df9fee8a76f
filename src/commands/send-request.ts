import type { Command } from "commander";
import type { Context } from "../context.ts";
import { distinct, recipientFromText, senderFromText } from "../envelope/address.ts";
import { parseRecipients } from "../envelope/recipients-file.ts";
import { interruptedReading, unreadable, usageError } from "../errors.ts";
import type { Connector } from "../transport/connector.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { ComposedFields } from "./composed-fields.ts";
import { connectorFor, serversOf } from "./route-options.ts";
import { composeOption, type RecipientSource, type SendOptions } from "./send-options.ts";

/** To whom, from whom and through whom, checked. */
export interface SendRequest {
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
  /** The fields of the message, where it is composed. */
  readonly composed: (ComposedFields & { readonly to: readonly Buffer[] }) | undefined;
  readonly endpoints: readonly Endpoint[];
  readonly connector: Connector;
}

/** @throws {CommandError} usage, unreadable-input */
export async function readRequest(
  operands: readonly string[],
  options: SendOptions,
  command: Command,
  context: Context,
): Promise<SendRequest> {
  const endpoints = serversOf(options, context.env);
  const connector = await connectorFor(endpoints, options, context);
  if (options.retry > 0 && endpoints.every(({ kind }) => kind === "ucspi")) {
    throw usageError(
      "--retry needs a server that can be connected to again; with ucspi: there is one connection",
    );
  }
  const sender = senderOf(options, context.env);
  const composing = await composingOf(options);
  const sources = await recipientSources(operands, options, command, context.args);
  if (sources.length === 0 && !options.readRecipients && !composing?.cc.length) {
    throw usageError(
      "no recipients: name them as arguments, with --to or --to-file, or in the message with -t",
    );
  }
  const fromInput = sources.filter(({ kind, value }) => kind === "file" && value === "-").length;
  const forMessage = options.body === undefined && !options.test && (options.file ?? "-") === "-";
  if (fromInput > 1 || (fromInput === 1 && forMessage)) {
    throw usageError("standard input can be read only once: give --to-file or --file another file");
  }
  const recipients: Buffer[][] = [];
  for (const source of sources) recipients.push(await recipientsFrom(source, context));
  const to = recipients.flat();
  if (composing === undefined) return { sender, recipients: to, composed: undefined, endpoints, connector };
  const all = [...to, ...distinct(composing.copies, to)];
  return { sender, recipients: all, composed: { ...composing, to }, endpoints, connector };
}

/** What composes messages is loaded only where one is. */
async function composingOf(options: SendOptions) {
  const asked = composeOption(options);
  if (asked === undefined) return undefined;
  return (await import("./composed-fields.ts")).readComposedFields(asked, options);
}

function senderOf(options: SendOptions, env: Context["env"]): Buffer {
  if (options.from !== undefined) return senderFromText(options.from, "sender");
  // An empty variable is one that nobody set; the null sender is written <> there.
  if (env.QMTP_FROM) return senderFromText(env.QMTP_FROM, "QMTP_FROM");
  throw usageError("no sender: name it with --from (or QMTP_FROM); '' is the null sender");
}

/** In the order of the command line: commander keeps arguments and options apart, so that is read again. */
async function recipientSources(
  operands: readonly string[],
  options: SendOptions,
  command: Command,
  args: readonly string[],
): Promise<readonly RecipientSource[]> {
  const named = options.to ?? options.toFile ?? [];
  if (named.length === 0) return operands.map((value) => ({ kind: "address", value }));
  if (operands.length === 0) return named;
  const { parseArgs } = await import("node:util");
  const known = command.options.map((option) => [
    option.long?.slice(2) ?? "",
    { type: option.required ? "string" : "boolean", ...(option.short && { short: option.short.slice(1) }) },
  ]);
  const { tokens } = parseArgs({
    args: args.slice(1),
    options: Object.fromEntries(known),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.flatMap((token): RecipientSource[] => {
    if (token.kind === "positional") return [{ kind: "address", value: token.value }];
    if (token.kind !== "option" || token.value === undefined) return [];
    if (token.name === "to") return [{ kind: "address", value: token.value }];
    return token.name === "to-file" ? [{ kind: "file", value: token.value }] : [];
  });
}

async function recipientsFrom({ kind, value }: RecipientSource, context: Context): Promise<Buffer[]> {
  if (kind === "address") return [recipientFromText(value, "recipient")];
  const name = value === "-" ? "standard input" : value;
  return parseRecipients(await contentOf(value, name, context), name);
}

async function contentOf(path: string, name: string, { stdin, interrupted }: Context): Promise<Buffer> {
  const stream = path === "-" ? stdin : (await import("node:fs")).createReadStream(path);
  const stop = () => stream.destroy();
  interrupted.addEventListener("abort", stop);
  try {
    return await wholeOf(stream);
  } catch (error) {
    throw interrupted.aborted ? interruptedReading(name, interrupted) : unreadable(name, error);
  } finally {
    interrupted.removeEventListener("abort", stop);
  }
}

async function wholeOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  // A chunk may stand only until the next one is asked for.
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}
