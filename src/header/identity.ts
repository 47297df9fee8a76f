import { hostname, userInfo } from "node:os";
import type { Environment } from "../io/environment.ts";

/** A new Message-ID (RFC 5322, 3.6.4), brackets included. */
export function newMessageId(): string {
  return `<${crypto.randomUUID()}@${hostname()}>`;
}

/** Adds this host's name to an address without a domain. */
export function qualify(address: Buffer): Buffer {
  return address.includes("@") ? address : Buffer.concat([address, Buffer.from(`@${hostname()}`)]);
}

/** The address of the user who runs this program. */
export function ownAddress(env: Environment): Buffer {
  return qualify(Buffer.from(userName() ?? (env.LOGNAME || env.USER || "nobody")));
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // In many containers, the user id has no name.
    return undefined;
  }
}
