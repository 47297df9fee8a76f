import { hostname, userInfo } from "node:os";
import type { Environment } from "../io/environment.ts";

/** A new Message-ID (RFC 5322, 3.6.4), brackets included. */
export function newMessageId(): string {
  return `<${crypto.randomUUID()}@${hostname()}>`;
}

/** An address with a domain: this host's, if it has none. */
export function qualified(address: Buffer): Buffer {
  return address.includes("@") ? address : Buffer.concat([address, Buffer.from(`@${hostname()}`)]);
}

/** The address of the user who runs us. */
export function ownAddress(env: Environment): Buffer {
  return qualified(Buffer.from(userName() ?? (env.LOGNAME || env.USER || "nobody")));
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // In many containers, the user id has no name.
    return undefined;
  }
}
