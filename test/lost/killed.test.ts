import { afterEach, expect, test } from "vitest";
import { finished, startQmtp, stopAll } from "../support/processes.ts";
import { AcceptingServer, type Point } from "./accepting-server.ts";
import { ManyMessages, memoryFolder, randomFrom, seedOfRun, textOf } from "./many-messages.ts";

/**
 * The launcher is killed at random points while it delivers a maildir. Each message's fate is known only from
 * outside: from the files, and from a server that remembers what it accepted.
 */
const KILLS = 210;
/** With several sessions at once, fewer: what is different is only which session has which message. */
const KILLS_OF_SEVERAL = 45;
const SEVERAL = 8;
/** This many launchers are killed in parallel, each on its own maildir. */
const LANES = 3;
/** Messages in flight plus files waiting for removal: the most that may be sent twice after a kill. */
const IN_FLIGHT = 4_096 + 2_048;

afterEach(stopAll);

/** Besides the server's points: this many results are printed, whose files are gone. */
type KillPoint = Point | { readonly kind: "printed"; readonly at: number };

class Lane {
  readonly #random: () => number;
  readonly #messages = new ManyMessages(memoryFolder());
  readonly #server = new AcceptingServer();
  readonly #seed: number;
  readonly #sessions: number;
  kills = 0;
  /** Accepted but still there, over all kills. */
  left = 0;
  /** The most after one kill. */
  mostLeft = 0;

  constructor(seed: number, sessions: number) {
    this.#seed = seed;
    this.#sessions = sessions;
    this.#random = randomFrom(seed);
  }

  async run(kills: number): Promise<void> {
    await this.#server.start();
    while (this.kills < kills) {
      // Mostly few, for speed; sometimes more than are ever in flight.
      if (this.#messages.present().size < 100)
        this.#messages.add(Math.floor(this.#random() ** 14 * 4_900) + 100);
      await this.#runOnce(this.#choose());
    }
    await this.#runOnce(undefined);
    const where = `the last run, seed ${this.#seed}`;
    expect([...this.#messages.present()], where).toEqual([]);
    expect(this.#server.accepted.size, where).toBe(this.#messages.count);
    expect(this.duplicates, where).toBeLessThanOrEqual(this.left);
  }

  get #options(): string[] {
    return this.#sessions === 1 ? [] : ["--sessions", `${this.#sessions}`];
  }

  get duplicates(): number {
    let accepted = 0;
    for (const times of this.#server.accepted.values()) accepted += times;
    return accepted - this.#server.accepted.size;
  }

  async #runOnce(point: KillPoint | undefined): Promise<void> {
    const server = this.#server;
    const before = this.#messages.present();
    const child = startQmtp(
      ["maildir", ...this.#options, "-s", server.endpoint, this.#messages.maildir, ""],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const kill = () => child.kill("SIGKILL");
    server.begin(point?.kind === "printed" ? undefined : point, this.#random() < 0.5, kill);
    let lines = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      lines += chunk.toString().split("\n").length - 1;
      if (point?.kind === "printed" && lines >= point.at) kill();
    });
    const { code, signal, stdout, stderr } = await finished(child);
    await server.allRead();
    const where = `${JSON.stringify(point)} after ${this.kills} kills, LOST_SEED for it alone: ${this.#seed}; ${stderr}`;
    const killed = point !== undefined && signal === "SIGKILL";
    // Only the summary; not even that if there was nothing left to deliver.
    const words = before.size === 0 ? /^$/ : /^qmtp: \d+ messages?: [^\n]+\n$/;
    if (!killed) expect([code, words.test(stderr)], where).toEqual([0, true]);
    const now = this.#messages.present();
    const accepted = server.acceptedNow;
    const removed = [...before].filter((number) => !now.has(number));
    const lost = removed.filter((number) => !accepted.has(number));
    expect(lost, `lost: ${where}`).toEqual([]);
    expect([...now].filter((number) => !before.has(number))).toEqual([]);
    const nowhere = Array.from({ length: this.#messages.count }, (_, number) => number).filter(
      (number) => !now.has(number) && !server.accepted.has(number),
    );
    expect(nowhere, `lost: ${where}`).toEqual([]);
    expect(server.wrong, where).toEqual([]);
    // No success is reported for a file that is still there.
    const reported = [...stdout.matchAll(/^(?:new|cur)\/(\d+)\S*: \S+: success: ok$/gm)];
    expect(
      reported.map(([, number]) => Number(number)).filter((number) => now.has(number)),
      where,
    ).toEqual([]);
    if (!killed) return;
    this.kills++;
    const left = accepted.size - removed.length;
    expect(left, where).toBeLessThanOrEqual(IN_FLIGHT);
    this.left += left;
    this.mostLeft = Math.max(this.mostLeft, left);
  }

  #choose(): KillPoint {
    const present = [...this.#messages.present()];
    const kind = this.#random();
    if (kind < 0.4) {
      // The bytes on the wire are slightly more than the texts.
      const bytes = present.reduce((sum, number) => sum + textOf(number).length + 50, 0);
      return { kind: "bytes", at: this.#pointUpTo(bytes - present.length * 20) };
    }
    const at = this.#pointUpTo(present.length);
    if (kind < 0.75) return { kind: "accepted", at, answered: this.#random() < 0.6 };
    return { kind: "printed", at };
  }

  /** Often the beginning, often the end, otherwise anywhere. */
  #pointUpTo(last: number): number {
    const where = this.#random();
    if (where < 0.08) return 0;
    return where < 0.16 ? last : this.#below(last + 1);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

test.each([
  ["a launcher", KILLS, 1],
  ["a launcher with several sessions at once", KILLS_OF_SEVERAL, SEVERAL],
])(
  "%s, killed at any point, loses no message, and sends few twice",
  async (_, times, sessions) => {
    const seed = seedOfRun();
    const startedAt = performance.now();
    const lanes = Array.from({ length: LANES }, (_, lane) => new Lane(seed + lane, sessions));
    await Promise.all(lanes.map((lane) => lane.run(times / LANES)));
    const sum = (of: (lane: Lane) => number) => lanes.reduce((total, lane) => total + of(lane), 0);
    const kills = sum((lane) => lane.kills);
    expect(kills).toBeGreaterThanOrEqual(times);
    const most = Math.max(...lanes.map((lane) => lane.mostLeft));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(
      `${kills} kills, ${sum((lane) => lane.duplicates)} duplicates, at most ${most} of one kill; ${seconds} s, seed ${seed}`,
    );
  },
  300_000,
);
