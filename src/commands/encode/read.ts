import type { Context } from "../../cli/context.ts";
import { usageError } from "../../errors.ts";
import type { Response, Status } from "../../protocol/response.ts";
import { composeOption } from "../send/declare-package.ts";
import { type PackageRequest, readPackage } from "../send/read-package.ts";
import { type EncodeOptions, type GivenResponse, requireText } from "./declare.ts";

/** What to write: responses, or a package. */
export type EncodeRequest =
  | { readonly responses: readonly Response[] }
  | { readonly responses?: undefined; readonly package: PackageRequest };

const STATUS: Readonly<Record<string, Status>> = { K: "success", Z: "deferral", D: "failure" };

/** @throws {QmtpError} usage, unreadable-input */
export async function read(
  options: EncodeOptions,
  _operands: readonly string[],
  context: Context,
): Promise<EncodeRequest> {
  const { responses } = options;
  requireText(responses);
  if (responses.length > 0) refuseWithResponses(options);
  // The bytes could drive the terminal, and would not be seen.
  if (context.stdout.isTTY) {
    throw usageError("standard output is a terminal; redirect it, or pipe it into qmtp decode");
  }
  if (responses.length > 0) return { responses: responses.map(responseFor) };
  return { package: await readPackage(options, context) };
}

function responseFor({ letter, text = "" }: GivenResponse): Response {
  if (text.includes("\ufffd")) throw usageError("--response is not valid UTF-8, as arguments must be");
  return { status: STATUS[letter] as Status, text: Buffer.from(text) };
}

/** @throws {QmtpError} usage, if something about a package is given too */
function refuseWithResponses(options: EncodeOptions): void {
  const { recipients, from, readRecipients, file, skipEmpty, encoding, raw, split, literal, bcc } = options;
  const given = {
    from,
    "read-recipients": readRecipients,
    file,
    "skip-empty": skipEmpty,
    encoding: encoding === "dos" || undefined,
    raw,
    split,
    literal,
    bcc,
  };
  const [option] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  const [recipient] = recipients;
  const about =
    (option && `--${option}`) ?? composeOption(options) ?? (recipient && `recipient '${recipient.value}'`);
  if (about === undefined) return;
  throw usageError(`--response and ${about} cannot be combined: write responses or a package`);
}
