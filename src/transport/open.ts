import type { Duplex } from "node:stream";
import { CommandError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { connectSocket } from "./socket.ts";

/** A connection, and who is at its other end. */
export interface OpenConnection {
  readonly connection: Duplex;
  readonly endpoint: Endpoint;
  /** The address and port that answered, where there are such things. */
  readonly address: string | null;
  readonly port: number | null;
  readonly connectMs: number;
}

export interface OpenOptions {
  /** Milliseconds for each endpoint: names, all addresses and connecting together. */
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Told what is being tried, and why it failed. */
  readonly onEvent?: ((text: string) => void) | undefined;
}

/**
 * Connects to the first endpoint that can be reached. The next one is tried only where no connection came about.
 * @throws {CommandError} connect-failed, connect-timeout, with the reason for each endpoint
 */
export async function openFirst(
  endpoints: readonly Endpoint[],
  options: OpenOptions,
): Promise<OpenConnection> {
  const failures: CommandError[] = [];
  for (const endpoint of endpoints) {
    try {
      return await openOne(endpoint, options);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      options.onEvent?.(error.message);
      failures.push(error);
    }
  }
  const last = failures.at(-1);
  if (last === undefined || failures.length === 1) throw last ?? new RangeError("no endpoint");
  const message = failures.map((failure) => failure.message).join("; ");
  throw new CommandError(message, { code: last.code, fault: last.fault, temporary: true });
}

async function openOne(endpoint: Endpoint, options: OpenOptions): Promise<OpenConnection> {
  const { connectTimeoutMs, signal, onEvent } = options;
  const startedAt = performance.now();
  onEvent?.(`connecting to ${formatEndpoint(endpoint)}`);
  const socket = await connectSocket(endpoint, connectTimeoutMs, signal);
  const connectMs = performance.now() - startedAt;
  const address = socket.remoteAddress ?? null;
  const port = socket.remotePort ?? null;
  onEvent?.(address === null ? "connected" : `connected to ${address} port ${port}`);
  return { connection: socket, endpoint, address, port, connectMs };
}
