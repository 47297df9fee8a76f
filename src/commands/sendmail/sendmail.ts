import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { logDeliveries, withLog } from "../../cli/options/log.ts";
import { keepDeferred, prepareSpool } from "../../cli/options/spool.ts";
import { deliver } from "../../client/deliver.ts";
import { now } from "../../io/clock.ts";
import { exitCode } from "../../report/exit-code.ts";
import { SENDMAIL_TABLE } from "../../report/exit-tables.ts";
import type { DeliveryLog } from "../../report/log/log.ts";
import { problemLines } from "../../report/text.ts";
import { declare } from "./declare.ts";
import { openMessage } from "./open-message.ts";
import { read, type SendmailRequest } from "./read.ts";

/** `qmtp sendmail`: the interface of /usr/sbin/sendmail. */
export const sendmail: CommandModule = { declare, read, run };

async function run(request: SendmailRequest, context: Context): Promise<number> {
  await prepareSpool(request.spool, request.recipients.length, context);
  return withLog(request.log, context, (log) => sendMessage(request, log, context));
}

async function sendMessage(
  request: SendmailRequest,
  log: DeliveryLog | undefined,
  context: Context,
): Promise<number> {
  const { route, sender, spool } = request;
  const { opened, recipients } = await openMessage(request, context);
  try {
    const startedAt = now();
    const delivered = await deliver([{ sender, recipients, message: opened.message }], route);
    const { cause, violations } = delivered;
    const deliveries = await keepDeferred(spool, delivered.deliveries, sender, opened.message, context);
    await logDeliveries(log, { sender, message: opened.message }, { ...delivered, deliveries }, startedAt);
    await context.sayAll(problemLines(deliveries, violations));
    return exitCode(deliveries, SENDMAIL_TABLE, cause?.error ?? null);
  } finally {
    opened.close();
  }
}
