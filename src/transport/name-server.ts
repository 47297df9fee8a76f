import { isIP } from "node:net";
import { usageError } from "../errors.ts";
import type { Environment } from "../io/environment.ts";

/**
 * The name server in $DNSCACHEIP, in the form that node:dns accepts; undefined for the system's.
 * @throws {QmtpError} usage
 */
export function nameServer({ DNSCACHEIP: text }: Environment): string | undefined {
  if (!text) return undefined;
  if (isIP(text) !== 0) return text;
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = Number(port ?? 53);
  const valid = (isIP(v4 ?? "") === 4 || isIP(v6 ?? "") === 6) && number >= 1 && number <= 65_535;
  if (valid) return text;
  throw usageError(`DNSCACHEIP does not accept '${text}': write address, address:port or [address]:port`);
}
