import { QmtpError, reason } from "../errors.ts";
import type { Environment } from "../io/environment.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { qmailHome, readControlLines } from "./control.ts";

const CONTROL_FILE = "qmtpservers";

/**
 * The servers in `control/qmtpservers` in the qmail home, one per line; none if there is no such file.
 * @param port of those that name none
 * @throws {QmtpError} unreadable-configuration
 */
export function configuredServers(env: Environment, port: number | undefined): Endpoint[] {
  return readControlLines(qmailHome(env), CONTROL_FILE).map(({ text, origin }) => {
    try {
      return parseEndpoint(text, { port });
    } catch (error) {
      throw new QmtpError("unreadable-configuration", `${origin}: ${reason(error)}`, { cause: error });
    }
  });
}

/**
 * The same, but fails if there are none.
 * @throws {QmtpError} unreadable-configuration
 */
export function requiredServers(env: Environment, port: number | undefined): Endpoint[] {
  const servers = configuredServers(env, port);
  if (servers.length > 0) return servers;
  const path = `${qmailHome(env)}/control/${CONTROL_FILE}`;
  throw new QmtpError("unreadable-configuration", `no server: name one in ${path}, or in QMTP_SERVER`);
}
