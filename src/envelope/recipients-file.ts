import { usageError } from "../errors.ts";
import { checkedAddress } from "./address.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * The recipients in a file: one per line, empty lines skipped, lines ended by LF or CRLF. The addresses share the
 * file's memory.
 * @throws {QmtpError} usage when there are none, or for a control byte, with its line
 */
export function parseRecipients(bytes: Buffer, name: string): Buffer[] {
  const recipients: Buffer[] = [];
  let line = 0;
  const origin = () => `${name}, line ${line}:`;
  for (let start = 0; start < bytes.length; ) {
    line++;
    const end = bytes.indexOf(LF, start);
    const next = end === -1 ? bytes.length : end;
    const last = next > start && bytes[next - 1] === CR ? next - 1 : next;
    if (last > start) recipients.push(checkedAddress(bytes.subarray(start, last), origin));
    start = next + 1;
  }
  if (recipients.length === 0) throw usageError(`${name} holds no recipients; write one address per line`);
  return recipients;
}
