import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { MessageResult } from "../../src/maildir/consequences.ts";
import { deliverMaildir } from "../../src/maildir/rounds.ts";
import { runSession } from "../../src/session/session.ts";
import { LIMITS } from "../session/conversing.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";
import { wirePackage } from "../wire.ts";
import { PackageParser } from "./packages.ts";

/** A maildir of three messages that is delivered over connections in memory, which are cut. */
export interface CutMessage {
  readonly name: string;
  readonly recipient: string;
  readonly text: string;
}

const SENDER = "s@x";
export const ANSWER = "3:Kok,";

/** Of three messages: their names and recipients are `a`, `b` and `c`. */
export function messagesOf(...texts: string[]): CutMessage[] {
  return texts.map((text, index) => {
    const letter = "abc"[index] as string;
    return { name: `new/${letter}`, recipient: `${letter}@x`, text };
  });
}

/** A message's package, written out. */
export function wireOf({ text, recipient }: CutMessage): Buffer {
  return wirePackage({ message: text, sender: SENDER, recipients: [recipient] });
}

export interface Session {
  /** Recipients of the packages that were taken, in their order. */
  readonly taken: string[];
  /** Recipients of packages that the server had whole. */
  readonly whole: string[];
  /** Recipients of which the session said that they may have been delivered. */
  readonly doubtful: string[];
  /** Results that the server's answers brought. */
  fromServer: number;
  /** Bytes that have arrived at the server, and at the client. */
  up: number;
  down: number;
}

/** Recipients whose answer has arrived whole. */
export function answeredIn({ whole, down }: Session): string[] {
  return whole.slice(0, Math.floor(down / ANSWER.length));
}

export interface Delivered {
  readonly leftOver: boolean;
  readonly sessions: readonly Session[];
  readonly results: readonly MessageResult[];
  /** Names of the files that are still there. */
  readonly files: readonly string[];
}

/** @param cutOf how the connection of each session is cut, by the session's number */
export async function deliverCut(
  messages: readonly CutMessage[],
  cutOf: (session: number) => PairOptions,
): Promise<Delivered> {
  const maildir = mkdtempSync(`${tmpdir()}/qmtp-test-`);
  try {
    for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
    for (const [index, { name, recipient, text }] of messages.entries()) {
      writeFileSync(`${maildir}/${name}`, `Return-Path: <${SENDER}>\nDelivered-To: ${recipient}\n${text}`);
      utimesSync(`${maildir}/${name}`, 1_000 + index, 1_000 + index);
    }
    const sessions: Session[] = [];
    const results: MessageResult[] = [];
    const leftOver = await deliverMaildir({
      maildir,
      prefix: Buffer.alloc(0),
      policy: { bounce: false, lifetimeMs: undefined },
      startedAt: Date.now(),
      sessionMs: LIMITS.sessionMs,
      converse: async (packages, onSettled) => {
        const session: Session = { taken: [], whole: [], doubtful: [], fromServer: 0, up: 0, down: 0 };
        const options = cutOf(sessions.push(session) - 1);
        if (sessions.length > 20) throw new Error("there is no end to the rounds");
        const { client, server } = connectionPair(options);
        const read = serve(server, session);
        client.on("data", (chunk: Buffer) => {
          session.down += chunk.length;
        });
        const { cause } = await runSession(client, packages, {
          limits: LIMITS,
          onSettled: (pkg, deliveries) => {
            const recipient = String(deliveries[0]?.recipient);
            session.taken.push(recipient);
            if (deliveries[0]?.origin === "server") session.fromServer++;
            if (deliveries[0]?.possibleDuplicate) session.doubtful.push(recipient);
            onSettled(pkg, deliveries);
          },
        });
        await read;
        return cause?.words.unsent;
      },
      bounce: () => Promise.reject(new Error("nothing is to be bounced")),
      onResult: (result) => results.push(result),
      onUnusable: ({ name, why }) => {
        throw new Error(`${name}: ${why}`);
      },
      signal: new AbortController().signal,
    });
    return { leftOver, sessions, results, files: readdirSync(`${maildir}/new`).map((name) => `new/${name}`) };
  } finally {
    rmSync(maildir, { recursive: true });
  }
}

type ServerSide = ReturnType<typeof connectionPair>["server"];

/**
 * A server of a few lines that accepts everything, a turn after it came: as with a system's connection, the client
 * knows by then that its bytes were taken. Resolves when it has read what came.
 */
function serve(server: ServerSide, session: Session): Promise<void> {
  const parser = new PackageParser();
  const take = (chunk: Buffer) => {
    session.up += chunk.length;
    for (const { recipient } of parser.push(chunk)) {
      session.whole.push(recipient);
      server.write(ANSWER);
    }
  };
  server.on("data", (chunk: Buffer) => setImmediate(take, chunk));
  return new Promise((resolve) => {
    const ended = () =>
      setImmediate(() => {
        server.end();
        resolve();
      });
    server.once("end", ended).once("close", ended);
  });
}
