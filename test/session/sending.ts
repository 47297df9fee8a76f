import type { Duplex } from "node:stream";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Message, Package } from "../../src/protocol/package.ts";
import type { Limits, SessionEnd, SessionOptions } from "../../src/session/contract.ts";
import { runSession } from "../../src/session/session.ts";
import type { ConversationOptions } from "../../src/sink/contract.ts";
import { Conversation } from "../../src/sink/conversation.ts";
import { Draws } from "../../src/sink/draws.ts";
import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";

export const LIMITS: Limits = { idleMs: 600_000, sessionMs: 3_600_000 };

export function textMessage(text: string): Message {
  return { encoding: "unix", length: text.length, chunks: () => [Buffer.from(text)] };
}

/** A package as tests write it: its text and recipients. */
export function pkg(text: string, ...recipients: string[]): Package {
  return {
    sender: Buffer.from("s@example.org"),
    recipients: recipients.map((recipient) => Buffer.from(recipient)),
    message: textMessage(text),
  };
}

/** The same package on the wire, built without the code under test. */
export function wireOf(text: string, ...recipients: string[]): string {
  const list = recipients.map((recipient) => `${recipient.length}:${recipient},`).join("");
  return `${text.length + 1}:\n${text},13:s@example.org,${list.length}:${list},`;
}

export interface Sent extends SessionEnd {
  /** One line per delivery, in the order they were settled. */
  readonly lines: readonly string[];
  readonly deliveries: readonly Delivery[];
}

export function line({ recipient, status, text, possibleDuplicate }: Delivery): string {
  return `${recipient} ${status}: ${text}${possibleDuplicate ? " (twice?)" : ""}`;
}

/** Runs a session to its end and collects its deliveries. */
export async function sendOver(
  connection: Duplex,
  packages: Iterable<Package>,
  options: Partial<SessionOptions<Package>> = {},
): Promise<Sent> {
  const deliveries: Delivery[] = [];
  const end = await runSession(connection, packages[Symbol.iterator](), {
    limits: LIMITS,
    onSettled: (_, settled) => deliveries.push(...settled),
    ...options,
  });
  return { ...end, deliveries, lines: deliveries.map(line) };
}

/** How the sink behaves. */
export type Behaviour = Partial<ConversationOptions> & { readonly misbehaviour?: Misbehaviour };

/** The sink's side of a connection in memory; resolves once it has ended. */
export function startConversation(
  server: Duplex,
  { misbehaviour, ...options }: Behaviour = {},
): Promise<void> {
  let number = 0;
  const conversation = new Conversation(server, {
    rules: { recipients: [], maxBytes: Number.POSITIVE_INFINITY, maxRecipients: 100_000 },
    delayMs: 0,
    idleMs: 600_000,
    onIdle: () => {},
    onNotStored: () => {},
    draws: misbehaviour && new Draws({ kinds: [misbehaviour], percent: 100, seed: 0 }, 1),
    nextNumber: () => ++number,
    onPackage: () => {},
    onFailure: (error) => {
      throw error;
    },
    onViolation: () => {},
    ...options,
  });
  return conversation.run();
}

/** A server that replies with these bytes once it has received as many as the wire holds, then closes or not. */
export function answerAfter(
  server: Duplex,
  wire: string,
  answer: string,
  then: "close" | "stay" = "stay",
): void {
  let received = 0;
  server.on("end", () => server.end());
  server.on("data", (chunk: Buffer) => {
    const before = received;
    received += chunk.length;
    if (before >= wire.length || received < wire.length) return;
    server.write(answer);
    if (then === "close") server.end();
  });
}
