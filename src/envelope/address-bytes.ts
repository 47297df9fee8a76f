import { usageError } from "../errors.ts";

/**
 * Checks an envelope address, which may contain any bytes except control bytes.
 * @param what where it was written, for error messages; a function if there may be a million addresses
 * @throws {QmtpError} usage
 */
export function checkAddress(address: Buffer, what: string | (() => string)): Buffer {
  for (let at = 0; at < address.length; at++) {
    const byte = address[at] as number;
    if (byte >= 0x20 && byte !== 0x7f) continue;
    const hex = byte.toString(16).padStart(2, "0");
    const origin = typeof what === "string" ? what : what();
    throw usageError(`${origin} '${address}' has the control byte 0x${hex} at position ${at}; remove it`);
  }
  return address;
}
