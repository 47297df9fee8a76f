import { usageError } from "../errors.ts";
import type { Reading } from "./address.ts";
import { checkAddress } from "./address-bytes.ts";
import { type Origin, typedAddress, withoutBlanks } from "./typed-address.ts";

const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;
/** U+FEFF in UTF-8, which some editors put before the first line. */
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/**
 * Reads a file of recipients: one per line, ended by LF or CRLF; empty lines are skipped. Unless they are literal, so
 * are surrounding blanks, lines that begin with `#`, and a byte order mark. The addresses share the file's memory.
 * @throws {QmtpError} usage if there are none, or, with its number, for a line that is not one address
 */
export function parseRecipients(bytes: Buffer, name: string, reading: Reading): Buffer[] {
  const recipients: Buffer[] = [];
  let line = 0;
  const origin = { what: () => `${name}, line ${line}:`, single: "write one address per line" };
  const marked = reading === "typed" && bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  for (let start = marked ? BYTE_ORDER_MARK.length : 0; start < bytes.length; ) {
    line++;
    const end = bytes.indexOf(LF, start);
    const next = end === -1 ? bytes.length : end;
    const last = next > start && bytes[next - 1] === CR ? next - 1 : next;
    const content = bytes.subarray(start, last);
    const recipient = reading === "typed" ? typedLine(content, origin) : checkAddress(content, origin.what);
    if (recipient.length > 0) recipients.push(recipient);
    start = next + 1;
  }
  if (recipients.length === 0) throw usageError(`${name} contains no recipients; write one address per line`);
  return recipients;
}

/** The address on a line; empty for a line without one. */
function typedLine(line: Buffer, origin: Origin & { what: () => string }): Buffer {
  const written = withoutBlanks(line);
  if (written.length === 0 || written[0] === HASH) return Buffer.alloc(0);
  const address = typedAddress(written, origin);
  if (address.length === 0) throw usageError(`${origin.what()} '${written}' is empty; ${origin.single}`);
  return address;
}
