import { hostname, userInfo } from "node:os";

/** Unique among all messages (RFC 5322, 3.6.4), brackets included. */
export function newMessageId(): string {
  return `<${crypto.randomUUID()}@${hostname()}>`;
}

/** An address as it is known everywhere: one without a domain is of this host. */
export function qualified(address: Buffer): Buffer {
  return address.includes("@") ? address : Buffer.concat([address, Buffer.from(`@${hostname()}`)]);
}

/** The address of whoever runs us. */
export function ownAddress(env: Readonly<Record<string, string | undefined>>): Buffer {
  return qualified(Buffer.from(userName() ?? (env.LOGNAME || env.USER || "nobody")));
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // Users need not have a name where only their number is known, as in many containers.
    return undefined;
  }
}
