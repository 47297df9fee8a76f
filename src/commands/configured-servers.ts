import type { Context } from "../context.ts";
import { CommandError, reason } from "../errors.ts";
import { qmailHome, readControlLines } from "../qmail/control.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";

const CONTROL_FILE = "qmtpservers";

/**
 * The servers of `control/qmtpservers` in the qmail home, one on each line; none where there is no such file.
 * @param port of those that name none
 * @throws {CommandError} unreadable-configuration
 */
export function configuredServers(env: Context["env"], port: number | undefined): Endpoint[] {
  return readControlLines(qmailHome(env), CONTROL_FILE).map(({ text, origin }) => {
    try {
      return parseEndpoint(text, { port });
    } catch (error) {
      throw new CommandError(`${origin}: ${reason(error)}`, {
        code: "unreadable-configuration",
        cause: error,
      });
    }
  });
}

/**
 * The same, where there must be one.
 * @throws {CommandError} unreadable-configuration
 */
export function requiredServers(env: Context["env"], port: number | undefined): Endpoint[] {
  const servers = configuredServers(env, port);
  if (servers.length > 0) return servers;
  const path = `${qmailHome(env)}/control/${CONTROL_FILE}`;
  throw new CommandError(`no server: name one in ${path}, or in QMTP_SERVER`, {
    code: "unreadable-configuration",
  });
}
