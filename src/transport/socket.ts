import { isIP, Socket } from "node:net";
import { CommandError, type Fault, reason, systemCode } from "../errors.ts";
import { makeAttentive } from "./attentive.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint } from "./endpoint.ts";

/**
 * How long one of a host's addresses may take before the next is tried, in milliseconds. Node's own 250 give
 * up on hosts that are merely far away; this leaves time for a lost first packet to be sent again.
 */
const ADDRESS_ATTEMPT_MS = 2_500;

type SocketEndpoint = HostEndpoint | (Endpoint & { readonly kind: "unix" });

export interface SocketOptions {
  readonly family?: 4 | 6 | undefined;
  readonly sourceAddress?: string | undefined;
}

/**
 * Connects to a port of a host, or to a Unix socket.
 * @throws {CommandError} connect-failed; or what the signal was aborted with
 */
export function connectSocket(
  endpoint: SocketEndpoint,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    makeAttentive(socket);
    const abort = () => socket.destroy(signal.reason);
    const failed = (error: Error) => {
      signal.removeEventListener("abort", abort);
      reject(signal.aborted ? signal.reason : notConnected(endpoint, error, options));
    };
    // Stays: an error before somebody else listens must not end the process.
    socket.once("error", failed);
    socket.once("connect", () => {
      signal.removeEventListener("abort", abort);
      resolve(socket);
    });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else if (endpoint.kind === "unix") socket.connect({ path: endpoint.path });
    else connectHost(socket, endpoint, options);
  });
}

function connectHost(socket: Socket, { host, port }: HostEndpoint, options: SocketOptions): void {
  const { family, sourceAddress } = options;
  // Node would connect to an address of either family, whatever was asked for.
  const actual = isIP(host.replace(/%.*/, ""));
  if (family !== undefined && actual !== 0 && actual !== family) {
    socket.destroy(new Error(`this is an IPv${actual} address, and IPv${family} was asked for`));
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
  });
}

function notConnected(
  endpoint: SocketEndpoint,
  error: Error,
  { sourceAddress }: SocketOptions,
): CommandError {
  const why = endpoint.kind === "unix" ? reason(error) : reasons(error);
  const from = endpoint.kind === "unix" || sourceAddress === undefined ? "" : ` from ${sourceAddress}`;
  const message = `cannot connect to ${formatEndpoint(endpoint)}${from}: ${why}`;
  return new CommandError(message, { code: "connect-failed", fault: faultOf(error), cause: error });
}

/** What keeps this host from connecting to anybody. */
const LOCAL = ["EACCES", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EMFILE", "ENFILE", "ENOBUFS", "EPERM"];

function faultOf(error: Error): Fault {
  const errors: Error[] = error instanceof AggregateError ? error.errors : [error];
  return errors.every((one) => LOCAL.includes(systemCode(one) ?? "")) ? "local" : "transport";
}

/** Each reason once, with the addresses that gave it: a host may have many, and fail in the same way on all. */
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
