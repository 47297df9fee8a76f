import type { Command } from "commander";
import { deliver } from "../client/deliver.ts";
import type { Context } from "../context.ts";
import { distinct, recipientFromText, senderFromText } from "../envelope/address.ts";
import { quoteLocalPart } from "../envelope/quote.ts";
import { interruptedReading, usageError } from "../errors.ts";
import { mailDate } from "../header/date.ts";
import { BLIND, completed, withoutFields } from "../header/edit.ts";
import { type Header, MBOX_LINE } from "../header/header.ts";
import { newMessageId, ownAddress, qualified } from "../header/identity.ts";
import { type OpenMessage, openStream } from "../message/open.ts";
import { untilDot } from "../message/until-dot.ts";
import { complain } from "../report/complaints.ts";
import { exitCode, SENDMAIL_TABLE } from "../report/exit-code.ts";
import { configuredServers } from "./configured-servers.ts";
import { connectorFor, localhost, serversOf } from "./route-options.ts";
import { declareSendmailOptions, type SendmailOptions } from "./sendmail-options.ts";
import { limitsOf } from "./session-options.ts";

/** `qmtp sendmail`: what programs expect of /usr/sbin/sendmail. */
export function declareSendmail(command: Command, context: Context, exit: (code: number) => void): void {
  declareSendmailOptions(command).action(async (operands: string[], options: SendmailOptions) => {
    exit(await sendmail(operands, options, context));
  });
}

/** @throws {CommandError} what ends it before it has results */
async function sendmail(
  operands: readonly string[],
  options: SendmailOptions,
  context: Context,
): Promise<number> {
  const endpoints = serversOf(options, context.env, (port) => {
    const configured = configuredServers(context.env, port);
    return configured.length > 0 ? configured : localhost(port);
  });
  const connector = await connectorFor(endpoints, options, context);
  const sender = await senderOf(options, context.env);
  const named = await recipientsIn(operands);
  if (named.length === 0 && !options.t) throw usageError("no recipients: name them as arguments, or use -t");
  if (options.spool !== undefined) {
    const { prepareMaildir } = await import("./prepare-maildir.ts");
    await prepareMaildir(options.spool, "--spool");
  }
  const { open, recipients } = await openInput(sender, named, options, context);
  try {
    const delivered = await deliver([{ sender, recipients, message: open.message }], {
      endpoints,
      connector,
      limits: limitsOf(options),
      signal: context.interrupted,
    });
    let { deliveries } = delivered;
    if (options.spool !== undefined) {
      const { spoolDeferred } = await import("./spool-deferred.ts");
      deliveries = await spoolDeferred(deliveries, sender, open.message, options.spool, context);
    }
    await complain(deliveries, delivered.violations, context);
    return exitCode(deliveries, SENDMAIL_TABLE, delivered.problem);
  } finally {
    open.close();
  }
}

async function senderOf({ f, r }: SendmailOptions, env: Context["env"]): Promise<Buffer> {
  const named = f ?? r ?? (env.QMTP_FROM || undefined);
  if (named === undefined) return ownAddress(env);
  if (named === "" || named === "<>") return Buffer.alloc(0);
  const [address, another] = await addressesIn(named, "the sender");
  if (address === undefined || another !== undefined) {
    throw usageError(`'${named}' is not one sender; write an address`);
  }
  return qualified(senderFromText(address, "sender"));
}

async function recipientsIn(operands: readonly string[]): Promise<Buffer[]> {
  const recipients: Buffer[] = [];
  for (const operand of operands) {
    const addresses = await addressesIn(operand, "the recipient argument");
    if (addresses.length === 0) throw usageError(`the recipient argument '${operand}' holds no address`);
    recipients.push(...addresses.map((address) => recipientFromText(address, "recipient")));
  }
  return distinct(recipients.map(qualified));
}

/** An argument may be written as in a header: `Joe <joe@example.org>, ann@example.org`. */
async function addressesIn(argument: string, origin: string): Promise<string[]> {
  if (/^[^\s<>(),;:"\\]+$/.test(argument)) return [argument];
  const { envelopeAddress, mailboxesIn } = await import("../header/recipients.ts");
  const mailboxes = await mailboxesIn(argument, origin, usageError);
  return mailboxes.map(({ address }) => envelopeAddress(address));
}

/** The message from standard input, with the fields that it lacks, and all of its recipients. */
async function openInput(
  sender: Buffer,
  named: readonly Buffer[],
  options: SendmailOptions,
  { env, interrupted, stdin }: Context,
): Promise<{ open: OpenMessage; recipients: readonly Buffer[] }> {
  let recipients = named;
  const editHeader = async (header: Header) => {
    if (options.t) {
      const { recipientsInHeader } = await import("../header/recipients.ts");
      const found = await recipientsInHeader(header);
      recipients = [...named, ...distinct(found.map(qualified), named)];
    }
    if (recipients.length === 0) throw usageError("no recipients: the message names none in To, Cc or Bcc");
    const kept = withoutFields(header, [...BLIND, MBOX_LINE]);
    return completed(header, kept, await missingFields(header, sender, options.F));
  };
  const bytes = ignoresDots(options) ? stdin : untilDot(stdin);
  const input = {
    [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator](),
    destroy: () => stdin.destroy(),
  };
  const temporaryDirectory = env.TMPDIR || "/tmp";
  const format = {
    encoding: "unix",
    raw: false,
    temporaryDirectory,
    signal: interrupted,
    editHeader,
  } as const;
  try {
    const open = await openStream(input, "standard input", format);
    return { open, recipients };
  } catch (error) {
    throw interrupted.aborted ? interruptedReading("the message", interrupted) : error;
  }
}

function ignoresDots({ i, o = [] }: SendmailOptions): boolean {
  return i === true || o.some((option) => option.startsWith("i"));
}

async function missingFields(header: Header, sender: Buffer, name: string | undefined): Promise<string[]> {
  const lacks = (wanted: string) => !header.fields.some((field) => field.name === wanted);
  const lines: string[] = [];
  if (lacks("date")) lines.push(`Date: ${mailDate(new Date())}`);
  if (lacks("message-id")) lines.push(`Message-ID: ${newMessageId()}`);
  if (lacks("from")) lines.push(await fromField(sender, name));
  return lines;
}

async function fromField(sender: Buffer, name = ""): Promise<string> {
  const author = sender.length === 0 ? qualified(Buffer.from("MAILER-DAEMON")) : sender;
  const address = quoteLocalPart(author).toString();
  if (name === "") return `From: ${address}`;
  if (/[\r\n\0]/.test(name)) throw usageError("-F has a line break; remove it");
  const { fromLine } = await import("../message/compose.ts");
  return fromLine({ name, address });
}
