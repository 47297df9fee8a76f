import { interruption, QmtpError } from "../errors.ts";
import { listenOutOfTurn } from "../session/listen.ts";
import { type OpenConnection, type Server, unreached } from "../transport/connector.ts";
import type { ServerCertificate } from "../transport/tls-settings.ts";
import type { Route } from "./route.ts";

/** How connecting went, and what the server did without being asked. */
export interface PingResult {
  readonly server: Server;
  /** Null without TLS, or if there was no connection. */
  readonly certificate: ServerCertificate | null;
  /** Null if there was no connection. */
  readonly connectMs: number | null;
  readonly error: QmtpError | null;
}

/**
 * Connects to a server, sends nothing, and listens for a moment: a QMTP server says nothing, and waits. Never rejects
 * because of the server or the network.
 */
export async function ping(route: Route, waitMs: number): Promise<PingResult> {
  const { endpoints, connector, signal, observer } = route;
  let opened: OpenConnection;
  try {
    opened = await connector.open(endpoints, signal, observer?.note);
  } catch (error) {
    if (!signal.aborted && !(error instanceof QmtpError)) throw error;
    const known = signal.aborted ? interruption(signal) : (error as QmtpError);
    return { server: unreached(endpoints), certificate: null, connectMs: null, error: known };
  }
  const { connection, server, certificate = null, connectMs } = opened;
  const error = await listenOutOfTurn(connection, { waitMs, signal, observer });
  observer?.note(error === null ? "the server is waiting for a package; connection closed" : error.message);
  return { server, certificate, connectMs, error };
}
