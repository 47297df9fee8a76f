import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { MessageResult } from "../../src/maildir/outcomes.ts";
import { deliverMaildir } from "../../src/maildir/rounds.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";
import { LIMITS } from "../session/sending.ts";
import { noBounces, routeThrough } from "../support/routes.ts";
import { wirePackage } from "../support/wire.ts";
import { makeMemoryFolder } from "./many-messages.ts";
import { PackageParser } from "./packages.ts";

/** One of three sessions at once is cut at each byte, while the others go on. The servers accept everything. */
const SESSIONS = 3;
const COUNT = 9;
const SENDER = "s@x";
const ANSWER = "3:Kok,";

const NAMES = Array.from({ length: COUNT }, (_, index) => `m${index}`);
const { length: PACKAGE } = wirePackage({ message: "text\n", sender: SENDER, recipients: ["m0@x"] });
/** Bytes of more packages than the session that is cut has, as the others take some. */
const MOST_UP = PACKAGE * 4;

interface Delivered {
  readonly leftOver: boolean;
  readonly results: readonly MessageResult[];
  readonly files: readonly string[];
  /** How often each message was accepted. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Those whose response did not arrive in the session that was cut. */
  readonly owed: ReadonlySet<string>;
  readonly sessions: number;
}

function fill(maildir: string): void {
  for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
  for (const [index, name] of NAMES.entries()) {
    const path = `${maildir}/new/${name}`;
    writeFileSync(path, `Return-Path: <${SENDER}>\nDelivered-To: ${name}@x\ntext\n`);
    utimesSync(path, 1_000 + index, 1_000 + index);
  }
}

/** @param cut how the connection of the session with this number is cut */
async function deliverCut(cut: PairOptions, number: number): Promise<Delivered> {
  const maildir = makeMemoryFolder();
  const accepted = new Map<string, number>();
  const had: string[] = [];
  const results: MessageResult[] = [];
  const ends: Promise<void>[] = [];
  let [sessions, down] = [0, 0];
  try {
    fill(maildir);
    const leftOver = await deliverMaildir({
      maildir,
      prefix: Buffer.alloc(0),
      policy: { bounce: false, lifetimeMs: undefined },
      startedAt: Date.now(),
      sessions: { count: SESSIONS, spread: false },
      route: routeThrough(() => {
        const isCut = ++sessions === number;
        if (sessions > 30) throw new Error("the rounds do not end");
        const { client, server } = connectionPair(isCut ? cut : {});
        ends.push(
          serve(server, (recipient) => {
            accepted.set(recipient, (accepted.get(recipient) ?? 0) + 1);
            if (isCut) had.push(recipient);
          }),
        );
        if (isCut) {
          client.on("data", (chunk: Buffer) => {
            down += chunk.length;
          });
        }
        return client;
      }, LIMITS),
      bounces: noBounces(),
      onResult: (result) => results.push(result),
      onUnusable: ({ name, why }) => {
        throw new Error(`${name}: ${why}`);
      },
    });
    await Promise.all(ends);
    const owed = new Set(had.slice(Math.floor(down / ANSWER.length)));
    return { leftOver, results, files: readdirSync(`${maildir}/new`), accepted, owed, sessions };
  } finally {
    rmSync(maildir, { recursive: true });
  }
}

/** A server that accepts everything a turn after it arrives. Resolves when it has read everything. */
function serve(server: ReturnType<typeof connectionPair>["server"], accept: (recipient: string) => void) {
  const parser = new PackageParser();
  const take = (chunk: Buffer) => {
    for (const { recipient } of parser.push(chunk)) {
      accept(recipient.replace("@x", ""));
      server.write(ANSWER);
    }
  };
  server.on("data", (chunk: Buffer) => setImmediate(take, chunk));
  return new Promise<void>((resolve) => {
    const ended = () =>
      setImmediate(() => {
        server.end();
        resolve();
      });
    server.once("end", ended).once("close", ended);
  });
}

const points = (most: number) => Array.from({ length: most + 1 }, (_, at) => at);
const CUTS: readonly PairOptions[] = [
  ...points(MOST_UP).map((cutUp) => ({ cutUp })),
  ...points(ANSWER.length * 4).map((cutDown) => ({ cutDown })),
];

describe.each([1, 2, 3])("of several sessions, number %i is cut", (number) => {
  test.each(["end", "reset"] as const)(
    "at any byte, with %s: nothing is lost, and only what it was owed is sent twice",
    async (cutWith) => {
      let reached = 0;
      for (const at of CUTS) {
        const cut = JSON.stringify({ ...at, cutWith });
        const { leftOver, results, files, accepted, owed, sessions } = await deliverCut(
          { ...at, cutWith },
          number,
        );
        expect([leftOver, files], cut).toEqual([false, []]);
        // One result for each message, and every message was accepted.
        expect(results.map(({ file }) => file.name).sort(), cut).toEqual(NAMES.map((name) => `new/${name}`));
        expect([...accepted.keys()].sort(), cut).toEqual(NAMES);
        for (const { file, delivery, outcome } of results) {
          const name = file.name.replace("new/", "");
          const times = accepted.get(name) as number;
          expect([delivery.status, outcome], cut).toEqual(["success", "removed"]);
          expect(times, `${name} ${cut}`).toBe(owed.has(name) ? 2 : 1);
          if (times > 1) expect(delivery.possibleDuplicate, `${name} ${cut}`).toBe(true);
        }
        if (sessions > SESSIONS) reached++;
      }
      expect(reached).toBeGreaterThan(PACKAGE);
    },
  );
});
