import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { MessageResult } from "../../src/maildir/outcomes.ts";
import { deliverMaildir } from "../../src/maildir/rounds.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";
import { LIMITS } from "../session/sending.ts";
import { noBounces, routeThrough } from "../support/routes.ts";
import { watch } from "../support/watched-sessions.ts";
import { wirePackage } from "../support/wire.ts";
import { makeMemoryFolder } from "./many-messages.ts";
import { PackageParser } from "./packages.ts";

/** A maildir of three messages, delivered over connections in memory that are cut. */
export interface CutMessage {
  readonly name: string;
  readonly recipient: string;
  readonly text: string;
}

const SENDER = "s@x";
export const ANSWER = "3:Kok,";

/** Three messages, with names and recipients `a`, `b` and `c`. */
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
  /** Recipients of the packages taken, in order. */
  readonly taken: string[];
  /** Recipients of packages the server had in full. */
  readonly whole: string[];
  /** Recipients the session said may have been delivered. */
  readonly doubtful: string[];
  /** Results from the server's responses. */
  fromServer: number;
  /** Bytes that reached the server, and the client. */
  up: number;
  down: number;
}

/** Recipients whose response arrived in full. */
export function answeredIn({ whole, down }: Session): string[] {
  return whole.slice(0, Math.floor(down / ANSWER.length));
}

export interface Delivered {
  readonly leftOver: boolean;
  readonly sessions: readonly Session[];
  readonly results: readonly MessageResult[];
  /** Names of the files still there. */
  readonly files: readonly string[];
}

/** @param cutOf how each session's connection is cut, by session number */
export async function deliverCut(
  messages: readonly CutMessage[],
  cutOf: (session: number) => PairOptions,
): Promise<Delivered> {
  const maildir = makeMemoryFolder();
  try {
    for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
    for (const [index, { name, recipient, text }] of messages.entries()) {
      writeFileSync(`${maildir}/${name}`, `Return-Path: <${SENDER}>\nDelivered-To: ${recipient}\n${text}`);
      utimesSync(`${maildir}/${name}`, 1_000 + index, 1_000 + index);
    }
    const sessions: Session[] = [];
    const results: MessageResult[] = [];
    const reads: Promise<void>[] = [];
    watch.settled = (_, [delivery]) => {
      const session = sessions.at(-1) as Session;
      const recipient = String(delivery?.recipient);
      session.taken.push(recipient);
      if (delivery?.origin === "server") session.fromServer++;
      if (delivery?.possibleDuplicate) session.doubtful.push(recipient);
    };
    const leftOver = await deliverMaildir({
      maildir,
      prefix: Buffer.alloc(0),
      policy: { bounce: false, lifetimeMs: undefined },
      startedAt: Date.now(),
      route: routeThrough(async () => {
        // Bytes the previous session's server has yet to read belong to that session.
        await Promise.all(reads);
        const session: Session = { taken: [], whole: [], doubtful: [], fromServer: 0, up: 0, down: 0 };
        const options = cutOf(sessions.push(session) - 1);
        if (sessions.length > 20) throw new Error("the rounds do not end");
        const { client, server } = connectionPair(options);
        reads.push(serve(server, session));
        client.on("data", (chunk: Buffer) => {
          session.down += chunk.length;
        });
        return client;
      }, LIMITS),
      bounces: noBounces(),
      onResult: (result) => results.push(result),
      onUnusable: ({ name, why }) => {
        throw new Error(`${name}: ${why}`);
      },
    });
    await Promise.all(reads);
    return { leftOver, sessions, results, files: readdirSync(`${maildir}/new`).map((name) => `new/${name}`) };
  } finally {
    rmSync(maildir, { recursive: true });
  }
}

type ServerSide = ReturnType<typeof connectionPair>["server"];

/**
 * A server of a few lines that accepts everything a turn after it arrives: as with a real connection, the client
 * knows by then that its bytes were taken. Resolves when it has read everything.
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
