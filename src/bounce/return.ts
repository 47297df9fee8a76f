import { sendPackages } from "../client/deliver.ts";
import type { Route } from "../client/route.ts";
import { interruption, reason, runOver } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import { type QmailQueue, queuePackage } from "../qmail/qmail-queue.ts";
import type { Cause } from "../session/cause.ts";
import { composeBounce, type ReturnedMessage } from "./compose.ts";
import { type BounceControl, readBounceControl } from "./control.ts";

/** How to send bounces. */
export interface BounceOptions extends Pick<Route, "signal" | "limit"> {
  /** The route to a QMTP server; without one, bounces go through qmail-queue. */
  readonly route: Route | undefined;
  readonly queue: QmailQueue;
}

/** Why a message could not be returned. */
export interface NotReturned {
  readonly text: string;
  readonly error?: Error | undefined;
}

/** Called once for each message; without a reason if its bounce was accepted. */
type OnReturned<M> = (message: M, why: NotReturned | undefined) => void;

interface Bounce<M> extends Package {
  readonly of: M;
}

/** Returns messages to their senders. */
export async function returnMessages<M extends ReturnedMessage>(
  messages: readonly M[],
  options: BounceOptions,
  onReturned: OnReturned<M>,
): Promise<void> {
  const { route, queue } = options;
  let control: BounceControl;
  try {
    control = readBounceControl(queue.home);
  } catch (error) {
    const why = { text: reason(error) };
    for (const message of messages) onReturned(message, why);
    return;
  }
  const bounces = bouncesOf(messages, control, onReturned);
  if (route === undefined) await throughQueue(bounces, options, onReturned);
  else await byQmtp(bounces, route, onReturned);
}

/** Composes bounces one at a time, because each keeps its beginning in memory. */
function* bouncesOf<M extends ReturnedMessage>(
  messages: readonly M[],
  control: BounceControl,
  onReturned: OnReturned<M>,
): Generator<Bounce<M>, void> {
  for (const message of messages) {
    // In qmail-queue's envelope, NUL ends an address.
    if (message.head.sender.includes(0)) onReturned(message, { text: "the sender contains a NUL byte" });
    else yield { ...composeBounce(message, control, new Date()), of: message };
  }
}

async function throughQueue<M>(
  bounces: Iterable<Bounce<M>>,
  options: BounceOptions,
  onReturned: OnReturned<M>,
): Promise<void> {
  for (const bounce of bounces) {
    const text = await queueBounce(bounce, options);
    onReturned(bounce.of, text === undefined ? undefined : { text });
  }
}

/** @returns why it was not accepted, or undefined */
async function queueBounce(
  bounce: Package,
  { queue, signal, limit }: BounceOptions,
): Promise<string | undefined> {
  if (signal.aborted) return interruption(signal).message;
  if (limit?.leftMs === 0) return runOver(limit.ms).message;
  const timeoutMs = Math.min(queue.timeoutMs, limit?.leftMs ?? Number.POSITIVE_INFINITY);
  return queuePackage(bounce, { ...queue, timeoutMs }, signal);
}

async function byQmtp<M>(
  bounces: Iterator<Bounce<M>>,
  route: Route,
  onReturned: OnReturned<M>,
): Promise<void> {
  let cause: Cause | null;
  let settled: number;
  // Reconnect: a bounce that makes the server end the session must not hold up the others.
  do {
    settled = 0;
    ({ cause } = await sendPackages(bounces, route, {
      onSettled: (bounce: Bounce<M>, deliveries: readonly Delivery[]) => {
        settled++;
        const { status, text, error } = deliveries[0] as Delivery;
        onReturned(bounce.of, status === "success" ? undefined : { text: text.toString(), error });
      },
    }));
  } while (cause !== null && settled > 0 && !route.signal.aborted);
  const why = { text: cause?.texts.unsent ?? "it was not sent", error: cause?.error };
  for (let left = bounces.next(); !left.done; left = bounces.next()) onReturned(left.value.of, why);
}
