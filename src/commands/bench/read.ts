import { type Condition, parseCondition } from "../../bench/condition.ts";
import { type Plan, windowFor } from "../../bench/plan.ts";
import { messageOfLength } from "../../bench/text-message.ts";
import type { Context } from "../../cli/context.ts";
import { readEndpoints, routeTo, withDrain } from "../../cli/options/route.ts";
import { saidOnce } from "../../cli/said-once.ts";
import type { Route } from "../../client/route.ts";
import { recipientFromText, senderFromText } from "../../envelope/address.ts";
import { reason, usageError } from "../../errors.ts";
import { inputStream, openForReading } from "../../message/input.ts";
import { type OpenMessage, readStream } from "../../message/open.ts";
import { checkConsent } from "./consent.ts";
import { type BenchOptions, DEFAULT_LENGTH, DEFAULT_MESSAGES } from "./declare.ts";

/** What to measure, and how to judge and print it. */
export interface BenchRequest {
  readonly plan: Plan;
  readonly route: Route;
  readonly conditions: readonly Condition[];
  readonly json: boolean;
  readonly color: boolean;
  /** Closes what the message is read from. */
  readonly close: () => void;
}

/** Longer than any run: a session ends when the run does. Within the range of Node's timers. */
const SESSION_MS = 2_000_000_000;
const NO_LIMIT = Number.POSITIVE_INFINITY;

/** @throws {QmtpError} usage, unreadable-input, unwritable-spool, unreadable-configuration */
export async function read(
  options: BenchOptions,
  _operands: readonly string[],
  context: Context,
): Promise<BenchRequest> {
  const { server, to, json, color } = options;
  if (server === undefined) throw usageError("no server: name the one to measure with --server");
  if (to === undefined) throw usageError("no recipient: name one that may get the messages with --to");
  checkWindow(options);
  const conditions = (options.failIf ?? []).map(readCondition);
  const envelope = {
    sender: readAddress(() => senderFromText(options.from, "--from", "typed")),
    recipients: to.map((address) => readAddress(() => recipientFromText(address, "--to", "typed"))),
  };
  const routeOptions = { ...options, server };
  const endpoints = readEndpoints(routeOptions, context.env);
  const limited = withDrain(await routeTo(endpoints, routeOptions, saidOnce(context)));
  const route = { ...limited, limits: { ...limited.limits, sessionMs: SESSION_MS } };
  const load = readLoad(options);
  checkRepeatable(route, load);
  checkConsent(route.endpoints, load, options.force === true, context.env);
  const { message, close } = await openMessage(options, context);
  return {
    plan: { ...envelope, ...load, message, window: windowFor(load.window, message.length) },
    route,
    conditions,
    json: json === true,
    color,
    close,
  };
}

type Load = Omit<Plan, "sender" | "recipients" | "message">;

function readLoad(options: BenchOptions): Load {
  const { messages, duration, sessions, window, rate, reconnect, warmUp, recipients } = options;
  return {
    recipientsEach: recipients,
    sessions,
    window,
    messages: messages ?? (duration === undefined ? DEFAULT_MESSAGES : NO_LIMIT),
    durationMs: duration ?? NO_LIMIT,
    rate,
    reconnectAfter: reconnect ?? NO_LIMIT,
    warmUpMs: warmUp ?? 0,
  };
}

/** After a package with several recipients, a session sends the next one only when it has all of their responses. */
function checkWindow({ recipients, window }: BenchOptions): void {
  if (recipients === 1 || window === 1) return;
  throw usageError(
    "--window is for messages with one recipient: with more, each waits for the responses to the last",
  );
}

function checkRepeatable({ endpoints }: Route, { sessions, reconnectAfter }: Load): void {
  if (endpoints[0]?.kind !== "ucspi" || (sessions === 1 && reconnectAfter === NO_LIMIT)) return;
  throw usageError(
    "ucspi: is one connection: leave out --sessions and --reconnect, or name another endpoint",
  );
}

/** Without the hint at options that other commands have. */
function readAddress(read: () => Buffer): Buffer {
  try {
    return read();
  } catch (error) {
    throw usageError(reason(error));
  }
}

function readCondition(text: string): Condition {
  try {
    return parseCondition(text);
  } catch (error) {
    throw usageError(`option '--fail-if <condition>' does not accept '${text}': ${reason(error)}`);
  }
}

async function openMessage({ file, length }: BenchOptions, context: Context): Promise<OpenMessage> {
  if (file === undefined) return { message: messageOfLength(length ?? DEFAULT_LENGTH), close: () => {} };
  if (length !== undefined) throw usageError("--length and --file cannot be combined");
  const { temporaryDirectory, interrupted: signal } = context;
  const format = { encoding: "unix", raw: false, temporaryDirectory, signal } as const;
  if (file === "-") return readStream(context.stdin, "standard input", format);
  // Read into memory, so that the disk is not measured.
  return readStream(await inputStream(openForReading(file)), file, format);
}
