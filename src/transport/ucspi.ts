import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CommandError } from "../errors.ts";
import { Pair } from "./pair.ts";

/** Where a UCSPI client such as tcpclient(1) leaves the connection (cr.yp.to/proto/ucspi.txt). */
const READ = 6;
const WRITE = 7;
/** Descriptors of Node's own are looked for up to here: it opens two dozen when it starts. */
const MOST_DESCRIPTOR = 63;

/**
 * The connection that a UCSPI client has made.
 * @param taken whether it was taken before: then the descriptors are closed, or others by now
 * @throws {CommandError} not-under-ucspi, where descriptors 6 and 7 were not inherited
 */
export function clientConnection(taken = false): Duplex {
  if (taken)
    throw noConnection("the connection on descriptors 6 and 7 was used before, and cannot be made anew");
  if (!isInherited(READ) || !isInherited(WRITE)) {
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
  return new CommandError(message, { code: "not-under-ucspi", temporary: true });
}

/**
 * Whether a descriptor is one that was there before Node was. Node's own at these numbers are event queues, which
 * are neither socket nor pipe, or pipes that it made for itself: of those it has both ends, and of an inherited
 * pipe one.
 */
function isInherited(fd: number): boolean {
  const stat = statOf(fd);
  if (stat === undefined) return false;
  if (stat.isSocket()) return true;
  if (!stat.isFIFO()) return false;
  for (let other = 0; other <= MOST_DESCRIPTOR; other++) {
    const end = other === fd ? undefined : statOf(other);
    if (end?.isFIFO() && end.ino === stat.ino && end.dev === stat.dev) return false;
  }
  return true;
}

function statOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
