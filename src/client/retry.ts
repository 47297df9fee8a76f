import { type Code, interruption } from "../errors.ts";
import { now } from "../io/clock.ts";
import { pause } from "../io/pause.ts";
import { type Delivery, mergeAttempts } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import { causeOf } from "../session/cause.ts";
import { type DeliveryReport, deliver, type SendEvents } from "./deliver.ts";
import type { Route } from "./route.ts";

/** When to retry; times in milliseconds. */
export interface RetryPolicy {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Delay before the first retry; it doubles each time. */
  readonly delayMs: number;
  /** No retry starts later than this after the first attempt. */
  readonly maxMs: number;
  /** Also retry recipients whose package may have been accepted. */
  readonly unanswered: boolean;
}

/** A retry, before the wait for it. */
export interface Retry {
  /** The number of this attempt; the first is 1. */
  readonly attempt: number;
  /** The greatest number of attempts. */
  readonly attempts: number;
  readonly delayMs: number;
  /** The results so far of the recipients to retry; never empty. */
  readonly deliveries: readonly Delivery[];
}

export interface RetryEvents extends Omit<SendEvents<Package>, "onSettled"> {
  /** Called before each wait for a retry. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/** Clock and randomness; tests replace them. */
export interface Clock {
  /** Milliseconds from a fixed moment. */
  now(): number;
  /** Resolves after this many milliseconds, or when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

/** What came of one attempt. */
export type Attempt = Pick<DeliveryReport, "deliveries" | "violations" | "cause">;

/** What came of all attempts: the final deliveries, the violations of all, and the rest of the last one. */
export type WithRetries<A extends Attempt> = A & {
  /** In order; never empty. */
  readonly attempts: readonly A[];
};

/** Delays grow no longer than this: when a server is back, mail should not wait for hours. */
const MAX_DELAY_MS = 600_000;
/** Each delay is lengthened by up to this share, so that clients that failed together do not retry together. */
const JITTER = 0.5;

/** Errors that a retry would only meet again. */
const LASTING: readonly Code[] = [
  "interrupted",
  "message-unreadable",
  "tls-untrusted",
  "connection-refused",
  "no-exchanger",
  "not-under-ucspi",
];

/**
 * Delivers to all recipients, then retries those who were deferred, as the policy says.
 * @param packagesFor makes the packages for the given recipients, in order
 * @param deliverAll makes one attempt; by default, over one session
 */
export function deliverWithRetries(
  recipients: readonly Buffer[],
  packagesFor: (recipients: readonly Buffer[]) => readonly Package[],
  route: Route,
  policy: RetryPolicy,
  events: RetryEvents = {},
  clock?: Clock,
  deliverAll = deliver,
): Promise<WithRetries<DeliveryReport>> {
  const attempt = (some: readonly Buffer[]) => deliverAll(packagesFor(some), route, events);
  return withRetries(recipients, attempt, route, policy, events, clock);
}

/**
 * The same, however an attempt is made.
 * @param attempt delivers to the given recipients; never rejects for what a server or the network does
 */
export async function withRetries<A extends Attempt>(
  recipients: readonly Buffer[],
  attempt: (recipients: readonly Buffer[]) => Promise<A>,
  { signal, limit, observer }: Pick<Route, "signal" | "limit" | "observer">,
  policy: RetryPolicy,
  events: Pick<RetryEvents, "onRetry"> = {},
  clock: Clock = SYSTEM_CLOCK,
): Promise<WithRetries<A>> {
  const startedAt = clock.now();
  let last = await attempt(recipients);
  const attempts = [last];
  let deliveries = last.deliveries;
  while (attempts.length <= policy.retries && !isLasting(last)) {
    const again = [...deliveries.keys()].filter((index) => isRetried(deliveries[index] as Delivery, policy));
    if (again.length === 0) break;
    const delayMs = delayBefore(attempts.length, policy, clock);
    const beginsTooLate = clock.now() - startedAt + delayMs > policy.maxMs;
    if (beginsTooLate || (limit !== undefined && delayMs >= limit.leftMs)) {
      observer?.note("no further attempt: it would begin too late");
      break;
    }
    const [next, most] = [attempts.length + 1, policy.retries + 1];
    const count = `${again.length} of the recipients`;
    observer?.note(`attempt ${next} of ${most}, to ${count}, in ${(delayMs / 1_000).toFixed(1)} s`);
    const retried = again.map((index) => deliveries[index] as Delivery);
    events.onRetry?.({ attempt: next, attempts: most, delayMs, deliveries: retried });
    await clock.wait(delayMs, signal);
    if (signal.aborted) {
      last = { ...last, cause: causeOf(interruption(signal)) };
      break;
    }
    const some = again.map((index) => recipients[index] as Buffer);
    last = await attempt(some);
    attempts.push(last);
    const merged = [...deliveries];
    for (const [at, index] of again.entries()) {
      merged[index] = mergeAttempts(merged[index] as Delivery, last.deliveries[at] as Delivery);
    }
    deliveries = merged;
  }
  return { ...last, deliveries, violations: attempts.flatMap(({ violations }) => violations), attempts };
}

function isLasting({ cause }: Attempt): boolean {
  if (cause === null) return false;
  const { code, hint } = cause.error;
  return LASTING.includes(code) || hint?.kind === "other-protocol" || hint?.kind === "speaks-tls";
}

function isRetried({ status, possibleDuplicate }: Delivery, { unanswered }: RetryPolicy): boolean {
  return status === "deferral" && (unanswered || !possibleDuplicate);
}

function delayBefore(attemptsSoFar: number, { delayMs }: RetryPolicy, clock: Clock): number {
  const doubled = Math.min(delayMs * 2 ** (attemptsSoFar - 1), Math.max(delayMs, MAX_DELAY_MS));
  return doubled * (1 + JITTER * clock.random());
}

const SYSTEM_CLOCK: Clock = {
  now,
  random: () => Math.random(),
  wait: pause,
};
