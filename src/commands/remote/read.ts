import { readFileSync } from "node:fs";
import type { Context } from "../../cli/context.ts";
import type { RouteOptions } from "../../cli/options/route.ts";
import { usageError } from "../../errors.ts";

/** A message to send, as qmail-rspawn(8) asks for it. */
export interface RemoteRequest {
  readonly host: string;
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
  /** Whether it asks for something that only indimail's qmail-remote can do. */
  readonly smtpOnly: boolean;
  /** The original operands; undefined if they cannot be passed on. */
  readonly operands: readonly string[] | undefined;
  readonly options: RouteOptions;
}

/** @throws {QmtpError} usage */
export function read(options: RouteOptions, operands: readonly string[], _context: Context): RemoteRequest {
  const [host = "", , ...rest] = operands;
  const isText = operands.every((operand) => !operand.includes("\ufffd"));
  const bytes = isText ? operands.map((operand) => Buffer.from(operand)) : rawOperands(operands);
  const forIndimail = isIndimail(rest);
  return {
    host,
    sender: bytes[1] as Buffer,
    recipients: bytes.slice(forIndimail ? 4 : 2),
    smtpOnly: forIndimail && rest[0] !== "",
    operands: isText ? operands : undefined,
    options,
  };
}

/** Whether indimail is the caller: it passes a header field to add, or nothing, and a size before the recipients. */
function isIndimail([, size = "", first = ""]: readonly string[]): boolean {
  return /^\d+$/.test(size) && first.includes("@");
}

/**
 * The original bytes of operands that are not UTF-8, which Node has replaced.
 * @throws {QmtpError} usage, if the system does not show them
 */
function rawOperands(operands: readonly string[]): Buffer[] {
  const all = commandLine();
  const raw = all.slice(-operands.length);
  if (raw.every((bytes, index) => bytes.toString() === operands[index])) return raw;
  throw usageError("an address is not UTF-8, and its bytes cannot be read on this system");
}

function commandLine(): Buffer[] {
  const found: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  try {
    rest = readFileSync("/proc/self/cmdline");
  } catch {
    // Not Linux.
  }
  for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0)) {
    found.push(rest.subarray(0, end));
    rest = rest.subarray(end + 1);
  }
  return found;
}
