import { afterAnother, type Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import { interruption } from "./converse.ts";
import { type Delivered, type DeliverOptions, deliver } from "./deliver.ts";

/** When to try again; times in milliseconds. */
export interface RetryPolicy {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Before the second attempt; it doubles each time. */
  readonly delayMs: number;
  /** No attempt begins later than this after the first one. */
  readonly maxMs: number;
  /** Also for recipients whose package may have been accepted. */
  readonly unanswered: boolean;
}

/** Time and chance. */
export interface Clock {
  /** Milliseconds from a fixed moment. */
  now(): number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

export interface Repeated extends Delivered {
  /** In their order; there is always a first one. */
  readonly attempts: readonly Delivered[];
}

/** Nobody waits longer than this for one attempt: a server that is back should not be left alone for hours. */
const LONGEST_DELAY_MS = 600_000;
/** Delays are lengthened by up to this part of them, so that those who failed together do not come back together. */
const JITTER = 0.5;

/** Problems that are the same a moment later. */
const LASTING = [
  "interrupted",
  "message-unreadable",
  "tls-untrusted",
  "connection-refused",
  "not-under-ucspi",
];

/**
 * Delivers to all recipients, and again to those who are deferred, as often as the policy says.
 * @param packagesFor the packages for some of the recipients, in their order
 */
export async function deliverRepeatedly(
  recipients: readonly Buffer[],
  packagesFor: (recipients: readonly Buffer[]) => readonly Package[],
  options: DeliverOptions,
  policy: RetryPolicy,
  clock: Clock = SYSTEM_CLOCK,
): Promise<Repeated> {
  const { signal, watch } = options;
  const startedAt = clock.now();
  let last = await deliver(packagesFor(recipients), options);
  const attempts = [last];
  const deliveries = [...last.deliveries];
  while (attempts.length <= policy.retries && !LASTING.includes(last.problem?.code ?? "")) {
    const again = [...deliveries.keys()].filter((index) => isRetried(deliveries[index] as Delivery, policy));
    if (again.length === 0) break;
    const delayMs = delayBefore(attempts.length, policy, clock);
    if (clock.now() - startedAt + delayMs > policy.maxMs) {
      watch?.note("no further attempt: it would begin too late");
      break;
    }
    const number = `${attempts.length + 1} of ${policy.retries + 1}`;
    watch?.note(
      `attempt ${number}, to ${again.length} of the recipients, in ${(delayMs / 1_000).toFixed(1)} s`,
    );
    await clock.wait(delayMs, signal);
    if (signal.aborted) {
      const problem = interruption(signal);
      last = { ...last, problem: { ...problem, unsent: problem.message } };
      break;
    }
    last = await deliver(packagesFor(again.map((index) => recipients[index] as Buffer)), options);
    attempts.push(last);
    for (const [at, index] of again.entries()) {
      deliveries[index] = afterAnother(deliveries[index] as Delivery, last.deliveries[at] as Delivery);
    }
  }
  return { ...last, deliveries, violations: attempts.flatMap(({ violations }) => violations), attempts };
}

function isRetried({ status, possibleDuplicate }: Delivery, { unanswered }: RetryPolicy): boolean {
  return status === "deferral" && (unanswered || !possibleDuplicate);
}

function delayBefore(attemptsSoFar: number, { delayMs }: RetryPolicy, clock: Clock): number {
  const doubled = Math.min(delayMs * 2 ** (attemptsSoFar - 1), Math.max(delayMs, LONGEST_DELAY_MS));
  return doubled * (1 + JITTER * clock.random());
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    }),
};
