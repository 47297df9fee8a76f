import type { Command } from "commander";
import { type Conversed, interruption } from "../client/converse.ts";
import { nothingSent } from "../client/deliver.ts";
import { deliverRepeatedly, type Repeated } from "../client/retry.ts";
import type { Context } from "../context.ts";
import { interruptedReading, type Problem } from "../errors.ts";
import type { OpenMessage } from "../message/open.ts";
import { type Message, type Package, packageLength } from "../protocol/package.ts";
import { dryRunJson, dryRunLines, firstLines } from "../report/dry-run.ts";
import { exitCode } from "../report/exit-code.ts";
import { messageJson } from "../report/json.ts";
import { bytesSent, Progress } from "../report/progress.ts";
import { isDecorated } from "../report/terminal.ts";
import { deliveryLines, statusPaint, violationLine } from "../report/text.ts";
import { writeLines, writePieces } from "../report/write.ts";
import { formatEndpoint } from "../transport/endpoint.ts";
import { openSendInput } from "./send-input.ts";
import { composeOption, declareSendOptions, type SendOptions } from "./send-options.ts";
import { readRequest, type SendRequest } from "./send-request.ts";
import { limitsOf, startTranscript, wantsProgress } from "./session-options.ts";
import type { SpooledDelivery } from "./spool-deferred.ts";

type Reported = Omit<Repeated, "deliveries"> & { readonly deliveries: readonly SpooledDelivery[] };

/** `qmtp send`: one message, from standard input or a file. */
export function declareSend(command: Command, context: Context, exit: (code: number) => void): void {
  declareSendOptions(command).action(async (operands: string[], options: SendOptions) => {
    exit(await send(operands, options, command, context));
  });
}

async function send(
  operands: readonly string[],
  options: SendOptions,
  command: Command,
  context: Context,
): Promise<number> {
  let request = await readRequest(operands, options, command, context);
  let open: OpenMessage | undefined;
  try {
    if (options.spool !== undefined && !options.dryRun) {
      const { prepareMaildir } = await import("./prepare-maildir.ts");
      await prepareMaildir(options.spool, "--spool");
    }
    const input = await openSendInput(request, options, context);
    open = input.open;
    request = { ...request, recipients: input.recipients };
    if (options.dryRun) {
      await printDryRun(request, open.message, options, context);
      return 0;
    }
    const delivered = await sendMessage(request, open.message, options, context);
    const kept = await keepDeferred(request, open.message, delivered, options, context);
    return await report(request, open.message, kept, options, context);
  } catch (error) {
    if (open !== undefined || !context.interrupted.aborted) throw error;
    if (request.recipients.length === 0) throw interruptedReading("the message", context.interrupted);
    const pkg = { ...request, message: { encoding: options.encoding, length: 0, chunks: () => [] } };
    const nothing = nothingSent([pkg], request.endpoints, interruption(context.interrupted));
    return await report(request, undefined, { ...nothing, attempts: [] }, options, context);
  } finally {
    open?.close();
  }
}

async function sendMessage(
  { sender, recipients, endpoints, connector }: SendRequest,
  message: Message,
  options: SendOptions,
  context: Context,
): Promise<Repeated> {
  const packagesFor = (some: readonly Buffer[]): Package[] =>
    options.split
      ? some.map((recipient) => ({ sender, recipients: [recipient], message }))
      : [{ sender, recipients: some, message }];
  const progress = startProgress(packagesFor(recipients), options, context);
  const deliverOptions = {
    endpoints,
    connector,
    limits: limitsOf(options),
    signal: context.interrupted,
    onProgress: progress?.onProgress,
    watch: startTranscript(options, context),
  };
  try {
    return await deliverRepeatedly(recipients, packagesFor, deliverOptions, {
      retries: options.retry,
      delayMs: options.retryDelay,
      maxMs: options.retryMaxTime,
      unanswered: options.retryUnanswered === true,
    });
  } finally {
    progress?.stop();
  }
}

function startProgress(packages: readonly Package[], options: SendOptions, context: Context) {
  if (!wantsProgress(options)) return undefined;
  const terminal = () => (isDecorated(context.stderr, context.env, true) ? context.stderr : undefined);
  const total = packages.reduce((sum, pkg) => sum + packageLength(pkg), 0);
  let sent = 0;
  const progress = new Progress(terminal, (elapsedMs) => bytesSent(sent, total, elapsedMs));
  const onProgress = (bytes: number) => {
    sent = bytes;
    progress.update();
  };
  return { onProgress, stop: () => progress.stop() };
}

async function keepDeferred(
  { sender }: SendRequest,
  message: Message,
  delivered: Repeated,
  { spool }: SendOptions,
  context: Context,
): Promise<Reported> {
  if (spool === undefined) return delivered;
  const { spoolDeferred } = await import("./spool-deferred.ts");
  return {
    ...delivered,
    deliveries: await spoolDeferred(delivered.deliveries, sender, message, spool, context),
  };
}

async function report(
  request: SendRequest,
  message: Message | undefined,
  delivered: Reported,
  options: SendOptions,
  context: Context,
): Promise<number> {
  const { deliveries } = delivered;
  const violations = delivered.violations.map((violation) => `qmtp: ${violationLine(violation)}`);
  if (violations.length > 0) await writeLines(context.stderr, violations);
  if (options.json) {
    const described = message && describe(message, options);
    const json = messageJson({
      ...delivered,
      error: problemOf(delivered),
      attempts: delivered.attempts.map((attempt) => ({ ...attempt, error: problemOf(attempt) })),
      sender: request.sender,
      message: described ?? null,
    });
    await writePieces(context.stdout, json);
  } else {
    const paint = await statusPaint(isDecorated(context.stdout, context.env, options.color));
    await writeLines(context.stdout, deliveryLines(deliveries, paint, options.quiet === true));
  }
  return exitCode(deliveries);
}

function problemOf({ problem }: Conversed): Problem | null {
  return problem && { code: problem.code, fault: problem.fault, message: problem.message };
}

function describe({ length, encoding }: Message, options: SendOptions) {
  const source = composeOption(options) === undefined ? (options.file ?? "-") : "composed";
  return { source, bytes: length, encoding };
}

async function printDryRun(
  { sender, recipients, endpoints }: SendRequest,
  message: Message,
  options: SendOptions,
  context: Context,
): Promise<void> {
  const run = {
    endpoints: endpoints.map(formatEndpoint),
    sender,
    recipients,
    packages: options.split ? recipients.length : 1,
    message: describe(message, options),
    spool: options.spool,
    firstLines: await firstLines(message),
  };
  await writeLines(context.stdout, options.json ? [dryRunJson(run)] : dryRunLines(run));
}
