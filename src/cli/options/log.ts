import type { Option } from "commander";
import type { DeliveryReport } from "../../client/deliver.ts";
import { reason, usageError, visiblePath } from "../../errors.ts";
import { now } from "../../io/clock.ts";
import type { SpooledDelivery } from "../../maildir/spooling.ts";
import type { Delivery } from "../../protocol/delivery.ts";
import type { Message } from "../../protocol/package.ts";
import type { DeliveryLog } from "../../report/log/log.ts";
import type { Server } from "../../transport/connector.ts";
import type { Context } from "../context.ts";
import { option } from "./kinds.ts";

const SYSLOG = "syslog:";

export function logOption(): Option {
  return option("--log <file>", "append a line for each delivery to this file; syslog: is syslog");
}

/**
 * Runs `work` with the log that the user wants, if any. If the log cannot be written, says so once, and sends the mail
 * anyway.
 * @param name a file, or `syslog:`
 * @throws {QmtpError} usage
 */
export async function withLog<T>(
  name: string | undefined,
  context: Context,
  work: (log: DeliveryLog | undefined) => Promise<T>,
): Promise<T> {
  const log = name === undefined ? undefined : await openLog(name, context);
  try {
    return await work(log);
  } finally {
    await log?.close();
  }
}

async function openLog(name: string, { name: tag, env, signalGroup, say }: Context): Promise<DeliveryLog> {
  // Not a file of that name: elsewhere, - is a standard stream.
  if (name === "-") throw usageError("--log needs a file, or syslog:; results go to standard output anyway");
  const { DeliveryLog } = await import("../../report/log/log.ts");
  const onFailure = (error: unknown) => say(`cannot write the log ${visiblePath(name)}: ${reason(error)}`);
  if (name === SYSLOG) {
    const { openSyslog } = await import("../../report/log/syslog.ts");
    return new DeliveryLog(() => openSyslog(tag, { env, signalGroup }), onFailure);
  }
  const { openLogFile } = await import("../../report/log/file.ts");
  return new DeliveryLog(() => openLogFile(name), onFailure);
}

/** What the log needs to know about a message. */
interface LoggedMessage {
  readonly sender: Buffer;
  /** Undefined if it could not be read. */
  readonly message: Message | undefined;
  /** Its file, which names it in the log if it has no Message-ID. */
  readonly file?: string | undefined;
}

type Results = Pick<DeliveryReport, "server"> & {
  readonly deliveries: readonly SpooledDelivery[];
  readonly attempts?: readonly DeliveryReport[];
};

/** Logs each delivery of a message, if there is a log. @param startedAt when its delivery began */
export async function logDeliveries(
  log: DeliveryLog | undefined,
  { sender, message, file = "" }: LoggedMessage,
  results: Results,
  startedAt: number,
): Promise<void> {
  if (log === undefined) return;
  const elapsedMs = now() - startedAt;
  const { messageId } = await import("../../message/message-id.ts");
  const id = message && (await messageId(message));
  const serverOf = servers(results);
  for (const delivery of results.deliveries) {
    const { endpoint } = serverOf(delivery);
    const remarks = delivery.spooled ? ["spooled"] : [];
    log.add({ message: id ?? file, sender, delivery, remarks, server: endpoint, elapsedMs });
  }
}

/**
 * Finds a delivery's server by its session, if there were several at once, or else by the buffer of its text, which no
 * two sessions share: retries may use other servers.
 */
function servers({ server, attempts = [] }: Results): (delivery: Delivery) => Server {
  const sessions = new Map<number, Server>();
  for (const attempt of attempts)
    for (const one of attempt.sessions ?? []) sessions.set(one.number, one.server);
  const texts = new Map<Buffer, Server>();
  for (const attempt of attempts.length < 2 ? [] : attempts) {
    for (const { text } of attempt.deliveries) texts.set(text, attempt.server);
  }
  return ({ session, text }) => (session === undefined ? texts.get(text) : sessions.get(session)) ?? server;
}
