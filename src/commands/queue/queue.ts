import type { Command } from "commander";
import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { addGroup } from "../../cli/options/kinds.ts";
import { logDeliveries, logOption, withLog } from "../../cli/options/log.ts";
import { declareRoute, type RouteOptions, readRoute } from "../../cli/options/route.ts";
import { transcriptOptions } from "../../cli/options/transcript.ts";
import { deliver } from "../../client/deliver.ts";
import type { Route } from "../../client/route.ts";
import { readingFailed } from "../../errors.ts";
import { now } from "../../io/clock.ts";
import { type OpenMessage, readStream } from "../../message/open.ts";
import type { Delivery } from "../../protocol/delivery.ts";
import { requiredServers } from "../../qmail/qmtpservers.ts";
import { writeRefusal } from "../../qmail/refusal.ts";
import { exitCode } from "../../report/exit-code.ts";
import { QUEUE_REFUSAL, QUEUE_TABLE } from "../../report/exit-tables.ts";
import type { DeliveryLog } from "../../report/log/log.ts";
import { problemLines } from "../../report/text.ts";
import { readEnvelope, refuseTerminal } from "./envelope.ts";

/** `qmtp queue`: qmail-queue's interface. Descriptor 1 is an input, so nothing is printed there. */
export const queue: CommandModule = { declare, read, run };

/** 10 seconds, as in qmail-qmqpc, because a caller is waiting. */
const DEFAULTS = { server: "control/qmtpservers in the qmail home", connectSeconds: 10 };

const EXAMPLES = `
To every caller of qmail-queue, 11 to 40 are permanent and all other codes temporary.

Examples:
  echo qmtps://mx.example.org > /var/qmail/control/qmtpservers
  QMAILQUEUE=/usr/local/bin/qmail-qmtpc qmail-inject joe@example.org < message.eml
  qmtp queue -v -s mx.example.org < message.eml 1< envelope`;

function declare(command: Command): void {
  declareRoute(command, DEFAULTS);
  addGroup(command, "output", [...transcriptOptions(), logOption()]);
  command.addHelpText("after", EXAMPLES);
}

interface QueueRequest {
  readonly route: Route;
  /** The log of deliveries. */
  readonly log: string | undefined;
}

/** @throws {QmtpError} usage, unreadable-configuration */
async function read(
  options: RouteOptions & { readonly log?: string },
  _operands: readonly string[],
  context: Context,
): Promise<QueueRequest> {
  return { route: await readRoute(options, context, requiredServers), log: options.log };
}

async function run({ route, log }: QueueRequest, context: Context): Promise<number> {
  refuseTerminal();
  return withLog(log, context, (openLog) => takeMessage(route, openLog, context));
}

async function takeMessage(route: Route, log: DeliveryLog | undefined, context: Context): Promise<number> {
  const opened = await openMessage(route, context);
  try {
    const envelope = await readEnvelope(route, context);
    const startedAt = now();
    const pkg = { ...envelope, message: opened.message };
    const delivered = await deliver([pkg], route);
    const { deliveries, cause, violations } = delivered;
    await logDeliveries(log, pkg, delivered, startedAt);
    const code = exitCode(deliveries, QUEUE_TABLE, cause?.error ?? null);
    // With ucspi:, descriptor 6 is the connection.
    const canRefuse = !route.endpoints.some(({ kind }) => kind === "ucspi");
    const refused = code === QUEUE_TABLE.failure || code === QUEUE_TABLE.deferral;
    const refusal = refused && canRefuse ? writeRefusal(deliveries) : undefined;
    await context.sayAll(
      problemLines(refusal === undefined ? deliveries : withOtherText(deliveries, refusal), violations),
    );
    return refusal === undefined ? code : QUEUE_REFUSAL;
  } finally {
    opened.close();
  }
}

/** Deliveries with another text than the refusal, which the caller shows to its user anyway. */
function withOtherText(deliveries: readonly Delivery[], { status, text }: Delivery): Delivery[] {
  return deliveries.filter((delivery) => delivery.status !== status || !delivery.text.equals(text));
}

async function openMessage(
  { limit }: Route,
  { temporaryDirectory, interrupted, stdin }: Context,
): Promise<OpenMessage> {
  try {
    const format = { encoding: "unix", raw: true, temporaryDirectory, signal: interrupted, limit } as const;
    return await readStream(stdin, "standard input", format);
  } catch (error) {
    throw readingFailed("the message", interrupted, error);
  }
}
