import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { QmtpError } from "../errors.ts";
import type { Environment } from "../io/environment.ts";
import { inheritedKind } from "./inherited.ts";
import { Pair } from "./pair.ts";

/** The descriptors on which a UCSPI client such as tcpclient(1) passes its connection (cr.yp.to/proto/ucspi.txt). */
const READ = 6;
const WRITE = 7;

/**
 * The connection that a UCSPI client has made.
 * @param taken whether it was used before: the descriptors are closed by now, or reused for something else
 * @throws {QmtpError} not-under-ucspi, if descriptors 6 and 7 were not inherited
 */
export function clientConnection(taken = false): Duplex {
  if (taken) throw ucspiError("the connection on descriptors 6 and 7 can be used only once");
  if (inheritedKind(READ) === undefined || inheritedKind(WRITE) === undefined) {
    throw ucspiError("no connection on descriptors 6 and 7; run it under a UCSPI client such as tcpclient");
  }
  const reading = new Socket({ fd: READ, readable: true, writable: false });
  return new Pair(reading, new Socket({ fd: WRITE, readable: false, writable: true }));
}

/** The server's address and port, according to the UCSPI client. */
export function remoteOf(env: Environment) {
  const { TCPREMOTEIP, TCPREMOTEPORT } = env;
  const port = /^\d{1,5}$/.test(TCPREMOTEPORT ?? "") ? Number(TCPREMOTEPORT) : null;
  return { address: TCPREMOTEIP || null, port };
}

function ucspiError(message: string): QmtpError {
  return new QmtpError("not-under-ucspi", message);
}
