import { usageError } from "../../errors.ts";
import type { AttachmentRequest } from "./attachment.ts";
import type { PackageOptions } from "./declare-package.ts";

/**
 * Checks that standard input is used once: as a list of recipients, the message or its text, its HTML, or an
 * attachment.
 * @throws {QmtpError} usage
 */
export function checkStandardInput(options: PackageOptions, attachments: readonly AttachmentRequest[]): void {
  const { recipients, file, skipEmpty } = options;
  const lists = recipients.filter(({ kind, value }) => kind === "file" && value === "-");
  const parts = partsOnStandardInput(options, attachments);
  const given = textOption(options);
  const text = file === "-" || (parts.length === 0 && given === undefined);
  const content = [...(text ? ["--file"] : []), ...parts];
  const readers = [...lists.map(() => "--to-file"), ...content];
  if (readers.length > 1) {
    const named = [...new Set(readers)].join(" or ");
    throw usageError(`standard input can be read only once: give ${named} another file`);
  }
  if (skipEmpty && content.length === 0) {
    throw usageError(`--skip-empty and ${given} cannot be combined: standard input is not the message`);
  }
}

/** The options that use standard input for a part of the message other than its text. */
export function partsOnStandardInput(
  { html }: PackageOptions,
  attachments: readonly AttachmentRequest[],
): string[] {
  const attached = attachments.filter(({ path }) => path === "-");
  return [...attached.map(() => "--attach"), ...(html === "-" ? ["--html"] : [])];
}

/** The option that gives the message or its text, which then is not read from standard input. */
function textOption({ body, test, file }: PackageOptions): string | undefined {
  if (body !== undefined) return "--body";
  if (test) return "--test";
  return file === undefined ? undefined : "--file";
}
