import { isIP, type LookupFunction, Socket } from "node:net";
import { type Fault, QmtpError, reason, systemCode } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint } from "./endpoint.ts";
import { keepReading } from "./keep-reading.ts";

/**
 * Milliseconds to try one of a host's addresses before the next. Node's default of 250 would give up on hosts that
 * are merely far away; this leaves time to retransmit a lost SYN.
 */
const ADDRESS_ATTEMPT_MS = 2_500;

type SocketEndpoint = HostEndpoint | (Endpoint & { readonly kind: "unix" });

export interface SocketOptions {
  /** Only addresses of this family are used. */
  readonly family?: 4 | 6 | undefined;
  /** How to look up names; by default as Node does. */
  readonly lookup?: LookupFunction | undefined;
  /** The address to connect from. */
  readonly sourceAddress?: string | undefined;
  /** The host's addresses, if they are known. */
  readonly addresses?: readonly string[] | undefined;
}

/**
 * Connects to a port of a host, or to a Unix socket.
 * @throws {QmtpError} connect-failed; or what the signal was aborted with
 */
export function connectSocket(
  endpoint: SocketEndpoint,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    keepReading(socket);
    // Stays attached: an error before the session listens must not crash the process.
    socket.once("error", (error) => {
      stopListening();
      reject(signal.aborted ? signal.reason : connectError(endpoint, error, options));
    });
    socket.once("connect", () => {
      stopListening();
      resolve(socket);
    });
    const stopListening = onAbort(signal, () => socket.destroy(signal.reason));
    if (signal.aborted) return;
    if (endpoint.kind === "unix") socket.connect({ path: endpoint.path });
    else connectHost(socket, endpoint, options);
  });
}

function connectHost(socket: Socket, { host, port }: HostEndpoint, options: SocketOptions): void {
  const { family, sourceAddress, addresses } = options;
  const lookup = addresses === undefined ? options.lookup : lookupOf(addresses);
  // If the host is an address, Node ignores `family`.
  const actual = isIP(host.replace(/%.*/, ""));
  if (family !== undefined && actual !== 0 && actual !== family) {
    socket.destroy(new Error(`this is an IPv${actual} address, but only IPv${family} may be used`));
    return;
  }
  socket.connect({
    host,
    port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    ...(family !== undefined && { family }),
    ...(sourceAddress !== undefined && { localAddress: sourceAddress }),
    ...(lookup !== undefined && { lookup }),
  });
}

/** Answers with these addresses. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, _options, found) => found(null, known);
}

function connectError(endpoint: SocketEndpoint, error: Error, { sourceAddress }: SocketOptions): QmtpError {
  const why = endpoint.kind === "unix" ? reason(error) : reasons(error);
  const from = endpoint.kind === "unix" || sourceAddress === undefined ? "" : ` from ${sourceAddress}`;
  const message = `cannot connect to ${formatEndpoint(endpoint)}${from}: ${why}`;
  return new QmtpError("connect-failed", message, { fault: faultOf(error), cause: error });
}

/** Errors that this host causes: it could not connect anywhere. */
const LOCAL = ["EACCES", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EMFILE", "ENFILE", "ENOBUFS", "EPERM"];

function faultOf(error: Error): Fault {
  const errors: Error[] = error instanceof AggregateError ? error.errors : [error];
  return errors.every((one) => LOCAL.includes(systemCode(one) ?? "")) ? "local" : "transport";
}

/** Each reason once, with the addresses that failed with it: a host may have many. */
function reasons(error: Error): string {
  const errors: Error[] = error instanceof AggregateError ? error.errors : [error];
  const addresses = new Map<string, string[]>();
  for (const one of errors) {
    const why = reason(one);
    const at = "address" in one && typeof one.address === "string" ? [one.address] : [];
    addresses.set(why, [...(addresses.get(why) ?? []), ...at]);
  }
  return [...addresses].map(([why, at]) => (at.length === 0 ? why : `${why} (${at.join(", ")})`)).join("; ");
}
