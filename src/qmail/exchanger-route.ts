import { isIP } from "node:net";
import { withTimeLimit } from "../io/time-limit.ts";
import type { Dns } from "../transport/dns.ts";
import type { Located } from "../transport/exchangers.ts";
import { byPreference, type Exchanger, speaksQmtp } from "../transport/mxps.ts";
import type { OwnHost } from "./own-host.ts";

/** How DNS says to reach a host. */
export type ExchangerRoute =
  /** By QMTP to these servers, in order. */
  | { readonly kind: "qmtp"; readonly servers: readonly Located[] }
  /** No exchanger that counts speaks QMTP. */
  | { readonly kind: "smtp" }
  /** No address of those that do is known. */
  | { readonly kind: "no-address" }
  /** None comes before this host. */
  | { readonly kind: "own" }
  | { readonly kind: "no-such-host" };

interface Lookup {
  readonly dns: Pick<Dns, "exchangersOf" | "addressesOf">;
  readonly own: OwnHost;
  /** Whether exchangers behind one that does not speak QMTP count, too. */
  readonly qmtpOnly: boolean;
  readonly family: 4 | 6 | undefined;
  /** Milliseconds for the addresses of all exchangers. */
  readonly addressesMs: number;
  readonly signal: AbortSignal;
  readonly note?: ((text: string) => void) | undefined;
}

/**
 * The exchangers of a host that speak QMTP and come before this host; as SMTP is the alternative, those that come before
 * any without QMTP.
 * @throws {QmtpError} dns-failed; or what the signal was aborted with
 */
export async function exchangerRoute(host: string, lookup: Lookup): Promise<ExchangerRoute> {
  if (host === "" || isAddress(host)) return { kind: "smtp" };
  const found = await lookup.dns.exchangersOf(host, lookup.signal);
  if (found === undefined) return { kind: "no-such-host" };
  const ordered = byPreference(found, Math.random);
  for (const { host: name, preference } of ordered) lookup.note?.(`MX ${preference} ${name}`);
  const firstOther = ordered.findIndex((exchanger) => !speaksQmtp(exchanger));
  const counted = lookup.qmtpOnly || firstOther === -1 ? ordered : ordered.slice(0, firstOther);
  if (!counted.some(speaksQmtp)) return { kind: "smtp" };
  const located = await locateAll(counted, lookup);
  const ours = located.find((server) => lookup.own.is(server, server.addresses))?.preference;
  const before = located
    .filter(({ preference }) => ours === undefined || preference < ours)
    .filter(speaksQmtp);
  if (before.length === 0) return { kind: "own" };
  const servers = before.filter(({ addresses }) => addresses.length > 0);
  return servers.length === 0 ? { kind: "no-address" } : { kind: "qmtp", servers };
}

/** Whether the host is an address, `[192.0.2.1]` or `192.0.2.1`, which has no exchangers. */
function isAddress(host: string): boolean {
  return host.startsWith("[") || isIP(host) !== 0;
}

/** Looks up the exchangers' addresses. One for which that fails has none: another may be reachable. */
function locateAll(
  exchangers: readonly Exchanger[],
  { dns, family, addressesMs, signal }: Lookup,
): Promise<Located[]> {
  const expired = () => new Error("no answer in time");
  return withTimeLimit(addressesMs, signal, expired, (attempt) =>
    Promise.all(
      exchangers.map(async (exchanger) => {
        try {
          return { ...exchanger, addresses: await dns.addressesOf(exchanger.host, family, attempt) };
        } catch {
          signal.throwIfAborted();
          return { ...exchanger, addresses: [] };
        }
      }),
    ),
  );
}
