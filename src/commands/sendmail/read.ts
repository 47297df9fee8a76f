import type { Context } from "../../cli/context.ts";
import { readRoute } from "../../cli/options/route.ts";
import type { Route } from "../../client/route.ts";
import { distinct, recipientFromText, senderFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import { ownAddress, qualify } from "../../header/identity.ts";
import type { Environment } from "../../io/environment.ts";
import type { SendmailOptions } from "./declare.ts";

/** A message to send, checked. */
export interface SendmailRequest {
  readonly route: Route;
  readonly sender: Buffer;
  /** The sender's name, for a missing From field. */
  readonly senderName: string;
  /** Recipients from the command line. */
  readonly recipients: readonly Buffer[];
  /** Whether to add the recipients in the header. */
  readonly readRecipients: boolean;
  /** Whether a line with a single dot is part of the message. */
  readonly ignoreDots: boolean;
  /** The maildir in which to store the message for deferred recipients. */
  readonly spool: string | undefined;
  /** The log of deliveries. */
  readonly log: string | undefined;
}

/** @throws {QmtpError} usage, unreadable-configuration */
export async function read(
  options: SendmailOptions,
  operands: readonly string[],
  context: Context,
): Promise<SendmailRequest> {
  const { t, i, o = [], F: senderName = "", spool, log } = options;
  const route = await readRoute(options, context);
  const sender = await readSender(options, context.env);
  const recipients = await recipientsOf(operands);
  if (recipients.length === 0 && !t) throw usageError("no recipients: name them as arguments, or use -t");
  return {
    route,
    sender,
    senderName,
    recipients,
    readRecipients: t === true,
    ignoreDots: i === true || o.some((option) => option.startsWith("i")),
    spool,
    log,
  };
}

async function readSender({ f, r }: SendmailOptions, env: Environment): Promise<Buffer> {
  const named = f ?? r ?? (env.QMTP_FROM || undefined);
  if (named === undefined) return ownAddress(env);
  if (named === "" || named === "<>") return Buffer.alloc(0);
  const [address, another] = await addressesIn(named, "the sender");
  if (address === undefined || another !== undefined) {
    throw usageError(`'${named}' is not one sender; write an address`);
  }
  return qualify(senderFromText(address, "sender", "literal"));
}

async function recipientsOf(operands: readonly string[]): Promise<Buffer[]> {
  const recipients: Buffer[] = [];
  for (const operand of operands) {
    const addresses = await addressesIn(operand, "the recipient argument");
    if (addresses.length === 0) throw usageError(`the recipient argument '${operand}' contains no address`);
    recipients.push(...addresses.map((address) => recipientFromText(address, "recipient", "literal")));
  }
  return distinct(recipients.map(qualify));
}

/** The addresses in an argument, which may be written as in a header: `Joe <joe@example.org>, ann@example.org`. */
async function addressesIn(argument: string, origin: string): Promise<string[]> {
  if (/^[^\s<>(),;:"\\]+$/.test(argument)) return [argument];
  const { envelopeAddress, mailboxesIn } = await import("../../header/recipients.ts");
  const mailboxes = await mailboxesIn(argument, origin, usageError);
  return mailboxes.map(({ address }) => envelopeAddress(address));
}
