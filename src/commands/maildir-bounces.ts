import { composeBounce } from "../bounce/compose.ts";
import { type BounceControl, readBounceControl } from "../bounce/control.ts";
import { type Conversed, converse } from "../client/converse.ts";
import type { Context } from "../context.ts";
import { reason } from "../errors.ts";
import type { Undeliverable } from "../maildir/consequences.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import { qmailHome } from "../qmail/control.ts";
import { queuePackage } from "../qmail/qmail-queue.ts";
import type { Limits } from "../session/contract.ts";
import type { Connector } from "../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";

export interface BounceOptions {
  /** Where bounces are sent; without it they are given to qmail-queue. */
  readonly server: Endpoint | undefined;
  readonly connector: Connector;
  readonly limits: Limits;
}

type OnReturned = (message: Undeliverable, problem: string | undefined) => void;

interface Bounce extends Package {
  readonly of: Undeliverable;
}

/** Where bounces go, in words. */
export function bounceRoute(server: Endpoint | undefined, env: Context["env"]): string {
  return server === undefined ? `through ${queueProgram(env)}` : `by QMTP to ${formatEndpoint(server)}`;
}

/** Returns messages to their senders, and tells what became of each. */
export async function bounceMessages(
  messages: readonly Undeliverable[],
  options: BounceOptions,
  context: Context,
  onReturned: OnReturned,
): Promise<void> {
  const { server } = options;
  let control: BounceControl;
  try {
    control = readBounceControl(qmailHome(context.env));
  } catch (error) {
    const problem = `cannot read qmail's control files: ${reason(error)}`;
    for (const message of messages) onReturned(message, problem);
    return;
  }
  const bounces = bouncesOf(messages, control, onReturned);
  if (server === undefined) await throughQueue(bounces, options, context, onReturned);
  else await byQmtp(bounces, server, options, context, onReturned);
}

/** One after the other: each holds its beginning. */
function* bouncesOf(
  messages: readonly Undeliverable[],
  control: BounceControl,
  onReturned: OnReturned,
): Generator<Bounce, void> {
  for (const message of messages) {
    const { package: pkg, delivery, expired } = message;
    // NUL ends an address in qmail-queue's envelope.
    if (pkg.sender.includes(0)) {
      onReturned(message, "the sender holds a NUL byte");
      continue;
    }
    const { recipient, text } = delivery;
    const returned = { file: pkg.file, head: pkg.head, recipient, reason: text, expired };
    yield { ...composeBounce(returned, control, new Date()), of: message };
  }
}

async function throughQueue(
  bounces: Iterable<Bounce>,
  { limits }: BounceOptions,
  { env, interrupted }: Context,
  onReturned: OnReturned,
): Promise<void> {
  const queue = {
    program: queueProgram(env),
    home: qmailHome(env),
    env,
    temporaryDirectory: env.TMPDIR || "/tmp",
    timeoutMs: limits.idleMs,
    signal: interrupted,
  };
  for (const bounce of bounces) {
    const problem = interrupted.aborted
      ? `interrupted by ${reason(interrupted.reason)}`
      : await queuePackage(bounce, queue);
    onReturned(bounce.of, problem);
  }
}

async function byQmtp(
  bounces: Iterator<Bounce>,
  server: Endpoint,
  { connector, limits }: BounceOptions,
  { interrupted }: Context,
  onReturned: OnReturned,
): Promise<void> {
  let problem: Conversed["problem"];
  let settled: number;
  // A bounce at which the session ends must not keep the others from going.
  do {
    settled = 0;
    ({ problem } = await converse(bounces, {
      endpoints: [server],
      connector,
      limits,
      signal: interrupted,
      onSettled: (bounce: Bounce, deliveries: readonly Delivery[]) => {
        settled++;
        const { status, text } = deliveries[0] as Delivery;
        onReturned(bounce.of, status === "success" ? undefined : text.toString());
      },
    }));
  } while (problem !== null && settled > 0 && !interrupted.aborted);
  for (let left = bounces.next(); !left.done; left = bounces.next()) {
    onReturned(left.value.of, problem?.unsent ?? "it was not sent");
  }
}

function queueProgram(env: Context["env"]): string {
  return env.QMAILQUEUE || `${qmailHome(env)}/bin/qmail-queue`;
}
