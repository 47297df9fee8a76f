import type { Socket } from "node:net";
import { CommandError, reason } from "../errors.ts";
import { AttentiveSocket } from "./attentive-socket.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/**
 * How long one of a host's addresses may take before the next is tried, in milliseconds. Node's own 250 give
 * up on hosts that are merely far away; this leaves time for a lost first packet to be sent again.
 */
const ADDRESS_ATTEMPT_MS = 2_500;

/**
 * Connects to a TCP or Unix endpoint; names, all addresses and connecting share one limit.
 * @throws {CommandError} connect-failed, connect-timeout; or what the signal was aborted with
 */
export function connectSocket(endpoint: Endpoint, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new AttentiveSocket();
    if (endpoint.kind === "unix") socket.connect({ path: endpoint.path });
    else socket.connect(tcpOptions(endpoint));
    const timer = setTimeout(() => socket.destroy(timedOut(endpoint, timeoutMs)), timeoutMs);
    const abort = () => socket.destroy(signal.reason);
    signal.addEventListener("abort", abort);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.removeAllListeners("connect");
    };
    socket.once("connect", () => {
      settle();
      socket.removeListener("error", failed);
      resolve(socket);
    });
    const failed = (error: Error) => {
      settle();
      reject(error instanceof CommandError || signal.aborted ? error : notConnected(endpoint, error));
    };
    socket.once("error", failed);
    if (signal.aborted) abort();
  });
}

function tcpOptions({ host, port }: Endpoint & { kind: "tcp" }) {
  const attempts = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS };
  return { host, port, noDelay: true, ...attempts };
}

function timedOut(endpoint: Endpoint, timeoutMs: number): CommandError {
  const message = `cannot connect to ${formatEndpoint(endpoint)}: no connection within ${timeoutMs / 1000} s`;
  return new CommandError(message, { code: "connect-timeout", fault: "transport", temporary: true });
}

function notConnected(endpoint: Endpoint, error: Error): CommandError {
  const why = endpoint.kind === "unix" ? reason(error) : reasons(error);
  const message = `cannot connect to ${formatEndpoint(endpoint)}: ${why}`;
  return new CommandError(message, {
    code: "connect-failed",
    fault: "transport",
    temporary: true,
    cause: error,
  });
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
