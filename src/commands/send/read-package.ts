import type { Context } from "../../cli/context.ts";
import { distinct, type Reading, senderFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import type { TimeLimit } from "../../io/patience.ts";
import type { ComposedParts } from "./composed-parts.ts";
import type { CompositionRequest } from "./composition.ts";
import { composeOption, type PackageOptions } from "./declare-package.ts";
import { readSources } from "./recipients.ts";
import { checkStandardInput } from "./standard-input.ts";

/** The message and its envelope, as the command line describes them, checked. */
export interface PackageRequest {
  readonly sender: Buffer;
  /** Recipients from the command line, in order. */
  readonly recipients: readonly Buffer[];
  readonly message: MessageRequest;
  /** Whether to send a separate package to each recipient. */
  readonly split: boolean;
}

/** Where the message comes from, and how to treat it. */
export interface MessageRequest {
  readonly encoding: "unix" | "dos";
  readonly raw: boolean;
  /** Whether to add the recipients in the header. */
  readonly readRecipients: boolean;
  /** A path, or `-` for standard input. */
  readonly source: string;
  /** Whether to send nothing if the message is empty standard input. */
  readonly skipEmpty: boolean;
  /** The parts to compose the message from; undefined if the source is the message itself. */
  readonly composition: CompositionRequest | undefined;
}

/** @throws {QmtpError} usage, unreadable-input */
export async function readPackage(
  options: PackageOptions,
  context: Context,
  limit?: TimeLimit,
): Promise<PackageRequest> {
  const reading = options.literal ? "literal" : "typed";
  const sender = readSender(options, context.env, reading);
  const parts = await readParts(options);
  // This includes the operands, in order with --to and --to-file.
  const sources = options.recipients;
  if (sources.length === 0 && !options.readRecipients && !parts?.copies.length) {
    throw usageError(
      "no recipients: name them as arguments, with --to or --to-file, or in the message with -t",
    );
  }
  checkStandardInput(options, parts?.attachments ?? []);
  const to = await readSources(sources, reading, context, limit);
  return {
    sender,
    recipients: parts === undefined ? to : [...to, ...distinct(parts.copies, to)],
    message: {
      encoding: options.encoding,
      raw: options.raw === true,
      readRecipients: options.readRecipients === true,
      source: options.file ?? "-",
      skipEmpty: options.skipEmpty === true,
      composition: parts && (await composition(parts, sender, to, options, context)),
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

/** Loads the code for composing only if it is needed. */
async function readParts(options: PackageOptions): Promise<ComposedParts | undefined> {
  const composeFlag = composeOption(options);
  if (composeFlag !== undefined)
    return (await import("./composed-parts.ts")).readComposedParts(composeFlag, options);
  if (options.bcc === undefined) return undefined;
  throw usageError("--bcc is for composed messages; name recipients of an existing message with --to");
}

async function composition(
  parts: ComposedParts,
  sender: Buffer,
  to: readonly Buffer[],
  options: PackageOptions,
  context: Context,
): Promise<CompositionRequest> {
  return (await import("./composition.ts")).compositionRequest(parts, { sender, to }, options, context);
}
