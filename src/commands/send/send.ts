import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { logDeliveries, withLog } from "../../cli/options/log.ts";
import { keepDeferred, prepareSpool } from "../../cli/options/spool.ts";
import { type DeliveryReport, deferAllRecipients, deliver } from "../../client/deliver.ts";
import { deliverWithRetries, type Retry, type WithRetries } from "../../client/retry.ts";
import type { SessionsOptions } from "../../client/sessions-contract.ts";
import { interruption, QmtpError, readingFailed } from "../../errors.ts";
import { now } from "../../io/clock.ts";
import type { SpooledDelivery } from "../../maildir/spooling.ts";
import { type Message, type Package, packageLength } from "../../protocol/package.ts";
import { exitCode } from "../../report/exit-code.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { messageJson } from "../../report/json.ts";
import type { DeliveryLog } from "../../report/log/log.ts";
import { SendProgress } from "../../report/send-progress.ts";
import { deliveryLines, retryLine, violationLine } from "../../report/text.ts";
import { writeLines, writePieces } from "../../report/write.ts";
import { declare } from "./declare.ts";
import { type MessageToSend, openMessage } from "./open-message.ts";
import { read, type SendRequest } from "./read.ts";
import { suggestSubject } from "./suggest-subject.ts";

/**
 * `qmtp send`: sends one message, from standard input or a file. A message's way through the code: `read` makes the
 * request; open-message.ts reads or composes the message; client/retry.ts delivers it in one or more sessions, each of
 * which gives every recipient a delivery; `report` prints the deliveries, and derives the exit code from them.
 */
export const send: CommandModule = { declare, read, run };

type SpooledReport = Omit<WithRetries<DeliveryReport>, "deliveries"> & {
  readonly deliveries: readonly SpooledDelivery[];
};

async function run(request: SendRequest, context: Context): Promise<number> {
  if (!request.dryRun) await prepareSpool(request.spool, request.recipients.length, context);
  return withLog(request.log, context, (log) => sendMessage(request, log, context));
}

async function sendMessage(
  request: SendRequest,
  log: DeliveryLog | undefined,
  context: Context,
): Promise<number> {
  let toSend: MessageToSend | undefined;
  const progress = new SendProgress(request.output.startProgress, context.interrupted);
  try {
    toSend = await openMessage(request, context, {
      limit: request.route.limit,
      onRead: progress.onRead,
    });
  } catch (error) {
    return reportUnread(request, error, log, context);
  } finally {
    progress.stop();
  }
  if (toSend === undefined) {
    if (!request.output.quiet) context.say("standard input is empty; nothing was sent");
    return EXIT.success;
  }
  const { opened, recipients } = toSend;
  try {
    await suggestSubject(request, opened.message, context);
    if (request.dryRun) {
      const { printDryRun } = await import("./dry-run.ts");
      const fields = messageFields(opened.message, request);
      await printDryRun(request, opened.message, recipients, fields, context);
      return EXIT.success;
    }
    const startedAt = now();
    const delivered = await deliverWithProgress(request, opened.message, recipients, progress, context);
    const deliveries = await keepDeferred(
      request.spool,
      delivered.deliveries,
      request.sender,
      opened.message,
      context,
      request.output.startProgress,
    );
    const reported = { ...delivered, deliveries };
    await logDeliveries(log, loggedMessage(request, opened.message), reported, startedAt);
    return await report(request, opened.message, reported, context);
  } finally {
    opened.close();
  }
}

/**
 * A signal or the end of the time came while the message was being read: reports the recipients from the command line
 * as deferred.
 */
async function reportUnread(
  request: SendRequest,
  error: unknown,
  log: DeliveryLog | undefined,
  context: Context,
): Promise<number> {
  const { recipients, route } = request;
  const { interrupted } = context;
  const isLate = error instanceof QmtpError && error.code === "input-timeout";
  if (!interrupted.aborted && !isLate) throw error;
  if (recipients.length === 0) throw readingFailed("the message", interrupted, error);
  const why = isLate ? error : interruption(interrupted);
  const nothing = deferAllRecipients(recipients, route.endpoints, why);
  await logDeliveries(log, loggedMessage(request, undefined), nothing, now());
  return report(request, undefined, { ...nothing, attempts: [] }, context);
}

function loggedMessage(
  { sender, message: { source, composition } }: SendRequest,
  message: Message | undefined,
) {
  const fromFile = source !== "-" && composition === undefined;
  return { sender, message, file: fromFile ? source : undefined };
}

async function deliverWithProgress(
  { sender, split, route, sessions, retry, output }: SendRequest,
  message: Message,
  recipients: readonly Buffer[],
  progress: SendProgress,
  { say }: Context,
): Promise<WithRetries<DeliveryReport>> {
  let packages: readonly Package[] = [];
  const packagesFor = (some: readonly Buffer[]) => {
    packages = split
      ? some.map((recipient) => ({ sender, recipients: [recipient], message }))
      : [{ sender, recipients: some, message }];
    return packages;
  };
  const events = progress.events(() => packages.reduce((sum, pkg) => sum + packageLength(pkg), 0));
  const onRetry = (next: Retry) => {
    events.onRetry?.(next);
    // A transcript already shows it.
    if (!output.quiet && !output.hasTranscript) say(retryLine(next));
  };
  try {
    const deliverAll = await deliveryOver(sessions);
    const retryEvents = { ...events, onRetry };
    return await deliverWithRetries(
      recipients,
      packagesFor,
      route,
      retry,
      retryEvents,
      undefined,
      deliverAll,
    );
  } finally {
    progress.stop();
  }
}

/** How to make an attempt. The code for several sessions at once is loaded only for them. */
async function deliveryOver(options: SessionsOptions): Promise<typeof deliver> {
  if (options.count === 1) return deliver;
  const { deliverTogether } = await import("../../client/deliver-together.ts");
  const { Sessions } = await import("../../client/sessions.ts");
  const sessions = new Sessions(options);
  return (packages, route, events) => deliverTogether(packages, route, sessions, events);
}

async function report(
  request: SendRequest,
  message: Message | undefined,
  delivered: SpooledReport,
  context: Context,
): Promise<number> {
  const { sender, output } = request;
  const { deliveries, violations, attempts, cause } = delivered;
  if (violations.length > 0) await context.sayAll(violations.map(violationLine));
  if (output.json) {
    const json = messageJson({
      ...delivered,
      error: cause?.error ?? null,
      attempts: attempts.map((attempt) => ({ ...attempt, error: attempt.cause?.error ?? null })),
      sender,
      message: message === undefined ? null : messageFields(message, request),
    });
    await writePieces(context.stdout, json);
  } else {
    const shown = output.quiet ? deliveries.filter(needsAttention) : deliveries;
    await writeLines(context.stdout, deliveryLines(shown, await output.paint()));
    if (cause === null) await output.printTimes(delivered.timing);
  }
  return exitCode(deliveries);
}

/** A spooled message needs no attention: `qmtp maildir` sends it later. */
function needsAttention({ status, spooled }: SpooledDelivery): boolean {
  return status !== "success" && !spooled;
}

function messageFields({ length, encoding }: Message, { message: { source, composition } }: SendRequest) {
  return { source: composition === undefined ? source : "composed", bytes: length, encoding };
}
