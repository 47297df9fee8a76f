import type { Context } from "../../cli/context.ts";
import { distinct, type Reading, senderFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import type { CompositionRequest } from "./composition.ts";
import { composeOption, type PackageOptions } from "./declare-package.ts";
import type { GivenParts } from "./given-parts.ts";
import { readSources } from "./recipients.ts";
import { checkStandardInput } from "./standard-input.ts";

/** A message and its envelope: all that the command line says about them, checked. */
export interface PackageRequest {
  readonly sender: Buffer;
  /** Those that the command line names, in its order. */
  readonly recipients: readonly Buffer[];
  readonly message: MessageRequest;
  /** Whether each recipient gets a package of its own. */
  readonly split: boolean;
}

/** Where the message comes from, and what is done with it. */
export interface MessageRequest {
  readonly encoding: "unix" | "dos";
  readonly raw: boolean;
  /** Whether recipients are taken from the header too. */
  readonly readRecipients: boolean;
  /** A path, or `-` for standard input. */
  readonly source: string;
  /** Whether nothing is sent if standard input, from which it comes, is empty. */
  readonly skipEmpty: boolean;
  /** What to compose the message from; undefined if the source is the message. */
  readonly composition: CompositionRequest | undefined;
}

/** @throws {QmtpError} usage, unreadable-input */
export async function readPackage(options: PackageOptions, context: Context): Promise<PackageRequest> {
  const reading = options.literal ? "literal" : "typed";
  const sender = readSender(options, context.env, reading);
  const given = await readParts(options);
  // Operands are here too, in order with --to and --to-file.
  const sources = options.recipients;
  if (sources.length === 0 && !options.readRecipients && !given?.copies.length) {
    throw usageError(
      "no recipients: name them as arguments, with --to or --to-file, or in the message with -t",
    );
  }
  checkStandardInput(options, given?.attachments ?? []);
  const to = await readSources(sources, reading, context);
  return {
    sender,
    recipients: given === undefined ? to : [...to, ...distinct(given.copies, to)],
    message: {
      encoding: options.encoding,
      raw: options.raw === true,
      readRecipients: options.readRecipients === true,
      source: options.file ?? "-",
      skipEmpty: options.skipEmpty === true,
      composition: given && (await composition(given, sender, to, options, context)),
    },
    split: options.split === true,
  };
}

function readSender(options: PackageOptions, env: Environment, reading: Reading): Buffer {
  if (options.from !== undefined) return senderFromText(options.from, "sender", reading);
  // An empty variable counts as unset: in the environment, only <> is the null sender.
  if (env.QMTP_FROM) return senderFromText(env.QMTP_FROM, "QMTP_FROM", reading);
  throw usageError("no sender: name it with --from (or QMTP_FROM); '' is the null sender");
}

/** The code for composing is loaded only when a message is composed. */
async function readParts(options: PackageOptions): Promise<GivenParts | undefined> {
  const asked = composeOption(options);
  if (asked !== undefined) return (await import("./given-parts.ts")).readGivenParts(asked, options);
  if (options.bcc === undefined) return undefined;
  throw usageError("--bcc is for composed messages; name recipients of an existing message with --to");
}

async function composition(
  given: GivenParts,
  sender: Buffer,
  to: readonly Buffer[],
  options: PackageOptions,
  context: Context,
): Promise<CompositionRequest> {
  return (await import("./composition.ts")).compositionRequest(given, { sender, to }, options, context);
}
