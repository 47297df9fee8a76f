import { isIP } from "node:net";
import { withTimeLimit } from "../io/time-limit.ts";
import type { Dns } from "../transport/dns.ts";
import type { Located } from "../transport/exchangers.ts";
import { byPreference, type Exchanger, speaksQmtp } from "../transport/mxps.ts";
import type { OwnHost } from "./own-host.ts";

/** How DNS says to reach a host. */
export type ExchangerRoute =
  /** By QMTP to these servers, in order; if none can be reached, by SMTP. */
  | { readonly kind: "qmtp"; readonly servers: readonly Located[] }
  /** The best exchanger does not speak QMTP. */
  | { readonly kind: "smtp" }
  /** The best exchanger is this host. */
  | { readonly kind: "own" }
  | { readonly kind: "no-such-host" };

interface Lookup {
  readonly dns: Pick<Dns, "exchangersOf" | "addressesOf">;
  readonly own: OwnHost;
  readonly family: 4 | 6 | undefined;
  /** Milliseconds for the addresses of all exchangers. */
  readonly addressesMs: number;
  readonly signal: AbortSignal;
  readonly note?: ((text: string) => void) | undefined;
}

/**
 * The exchangers of a host that come before any without QMTP, and before this host.
 * @throws {QmtpError} dns-failed; or what the signal was aborted with
 */
export async function exchangerRoute(host: string, lookup: Lookup): Promise<ExchangerRoute> {
  if (isAddress(host)) return { kind: "smtp" };
  const found = await lookup.dns.exchangersOf(host, lookup.signal);
  if (found === undefined) return { kind: "no-such-host" };
  const ordered = byPreference(found, Math.random);
  for (const { host: name, preference } of ordered) lookup.note?.(`MX ${preference} ${name}`);
  const firstOther = ordered.findIndex((exchanger) => !speaksQmtp(exchanger));
  const leading = firstOther === -1 ? ordered : ordered.slice(0, firstOther);
  if (leading.length === 0) return { kind: "smtp" };
  const located = await Promise.all(leading.map((exchanger) => locate(exchanger, lookup)));
  const ours = located.find((server) => lookup.own.is(server, server.addresses))?.preference;
  const before = located.filter(({ preference }) => ours === undefined || preference < ours);
  if (before.length === 0) return { kind: "own" };
  const servers = before.filter(({ addresses }) => addresses.length > 0);
  return servers.length === 0 ? { kind: "smtp" } : { kind: "qmtp", servers };
}

/** Whether the host is an address, `[192.0.2.1]` or `192.0.2.1`, which has no exchangers. */
function isAddress(host: string): boolean {
  return host.startsWith("[") || isIP(host) !== 0;
}

/** Looks up an exchanger's addresses. If that fails, it has none: another exchanger may be reachable. */
async function locate(exchanger: Exchanger, { dns, family, addressesMs, signal }: Lookup): Promise<Located> {
  const ask = (attempt: AbortSignal) => dns.addressesOf(exchanger.host, family, attempt);
  try {
    const addresses = await withTimeLimit(addressesMs, signal, () => new Error("no answer in time"), ask);
    return { ...exchanger, addresses };
  } catch {
    signal.throwIfAborted();
    return { ...exchanger, addresses: [] };
  }
}
