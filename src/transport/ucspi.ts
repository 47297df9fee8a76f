import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CommandError } from "../errors.ts";
import { inheritedKind } from "./inherited.ts";
import { Pair } from "./pair.ts";

/** Where a UCSPI client such as tcpclient(1) leaves the connection (cr.yp.to/proto/ucspi.txt). */
const READ = 6;
const WRITE = 7;

/**
 * The connection that a UCSPI client has made.
 * @param taken whether it was taken before: then the descriptors are closed, or others by now
 * @throws {CommandError} not-under-ucspi, where descriptors 6 and 7 were not inherited
 */
export function clientConnection(taken = false): Duplex {
  if (taken)
    throw noConnection("the connection on descriptors 6 and 7 was used before, and cannot be made anew");
  if (inheritedKind(READ) === undefined || inheritedKind(WRITE) === undefined) {
    throw noConnection(
      "there is no connection on descriptors 6 and 7; run it below a UCSPI client such as tcpclient",
    );
  }
  const reading = new Socket({ fd: READ, readable: true, writable: false });
  return new Pair(reading, new Socket({ fd: WRITE, readable: false, writable: true }));
}

/** Who is at the other end, as the UCSPI client says. */
export function remoteOf(env: Readonly<Record<string, string | undefined>>) {
  const { TCPREMOTEIP, TCPREMOTEPORT } = env;
  const port = /^\d{1,5}$/.test(TCPREMOTEPORT ?? "") ? Number(TCPREMOTEPORT) : null;
  return { address: TCPREMOTEIP || null, port };
}

function noConnection(message: string): CommandError {
  return new CommandError(message, { code: "not-under-ucspi" });
}
