import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { finished, printed, startQmtp, stopAll } from "../support/processes.ts";
import { fileOf, ManyMessages, memoryFolder, randomFrom, seedOfRun } from "./many-messages.ts";

/** `qmtp maildir` delivers from one maildir to another through a sink that is killed repeatedly. */
const ROUNDS = 25;
const ROUNDS_OF_SEVERAL = 6;

afterEach(stopAll);

/** What a killed sink has stored, by message number. */
class Stored {
  readonly maildir = memoryFolder();
  readonly #known = new Map<string, number>();
  /** How many copies of each message there are. */
  readonly copies = new Map<number, number>();

  /** Looks at files added since the last time; all must be complete. */
  look(): void {
    for (const name of readdirSync(`${this.maildir}/new`)) {
      if (this.#known.has(name)) continue;
      const file = readFileSync(`${this.maildir}/new/${name}`, "latin1");
      const number = Number(/^Delivered-To: m(\d+)@/m.exec(file)?.[1]);
      expect(file === fileOf(number), `${name} is not whole: ${file.slice(0, 200)}`).toBe(true);
      this.#known.set(name, number);
      this.copies.set(number, (this.copies.get(number) ?? 0) + 1);
    }
  }

  get files(): number {
    return this.#known.size;
  }
}

interface Sink {
  readonly endpoint: string;
  readonly kill: () => void;
  readonly ended: Promise<NodeJS.Signals | null>;
}

/** @param onLine called with the number of lines printed so far */
async function startMaildirSink(maildir: string, onLine: (lines: number) => void): Promise<Sink> {
  const child = startQmtp(["sink", "--listen", "127.0.0.1:0", "--maildir", maildir], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = finished(child).then(({ signal }) => signal);
  let lines = 0;
  createInterface({ input: child.stdout as Readable }).on("line", () => onLine(++lines));
  const [, endpoint] = await printed(child.stderr, /listening on (\S+)\n/);
  return { endpoint: endpoint as string, kill: () => child.kill("SIGKILL"), ended };
}

/** What `--json` reports for a message. */
interface Reported {
  readonly file?: { readonly name: string; readonly outcome: string };
  readonly deliveries: ReadonlyArray<{ readonly status: string; readonly possibleDuplicate: boolean }>;
}

test.each([
  ["one session", ROUNDS, []],
  ["eight sessions", ROUNDS_OF_SEVERAL, ["--sessions", "8"]],
])(
  "a sink of %s, killed at any point, leaves each message in one maildir or both",
  async (_, rounds, options) => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const source = new ManyMessages(`${memoryFolder()}/source`);
    const stored = new Stored();
    let looks = 0;
    /** In this order: a message that moves meanwhile is in the second before it leaves the first. */
    const look = (where: string): Set<number> => {
      const here = source.present();
      stored.look();
      looks++;
      for (let number = 0; number < source.count; number++) {
        if (!here.has(number) && !stored.copies.has(number)) {
          expect.unreachable(`message ${number} is lost: ${where}`);
        }
      }
      return here;
    };
    const deliver = (endpoint: string) =>
      finished(
        startQmtp(["maildir", ...options, "-s", endpoint, "--json", source.maildir, ""], {
          stdio: ["ignore", "pipe", "pipe"],
        }),
      );

    let cut = 0;
    while (cut < rounds) {
      if (source.present().size < 250) source.add(200);
      const before = new Map(stored.copies);
      const last = Math.floor(random() * 200);
      const where = `killed after ${last} lines in round ${cut}, LOST_SEED ${seed}`;
      const every = 1 + Math.floor(random() * 50);
      let missed: unknown;
      const sink = await startMaildirSink(stored.maildir, (lines) => {
        if (lines >= last) sink.kill();
        if (lines % every !== 0 && lines < last) return;
        try {
          look(where);
        } catch (error) {
          missed ??= error;
        }
      });
      if (last === 0) sink.kill();
      const run = await deliver(sink.endpoint);
      // It may have delivered everything before the signal: then there is no failure and no cut.
      const here = look(where);
      expect(run.code, `${where}: ${run.stderr}`).toBe(here.size > 0 ? 111 : 0);
      sink.kill();
      expect(await sink.ended).toBe("SIGKILL");
      expect(missed).toBeUndefined();
      look(where);
      if (here.size > 0) cut++;

      const reported = new Map<number, Reported>();
      for (const line of run.stdout.trimEnd().split("\n")) {
        const one: Reported = JSON.parse(line);
        const number = /^(?:new|cur)\/(\d+)/.exec(one.file?.name ?? "")?.[1];
        if (number !== undefined) reported.set(Number(number), one);
      }
      for (const number of here) {
        // A deferral must be marked a possible duplicate if a copy is there.
        const [delivery] = reported.get(number)?.deliveries ?? [];
        expect(delivery?.status, `message ${number}, ${where}`).toBe("deferral");
        const storedNow = (stored.copies.get(number) ?? 0) > (before.get(number) ?? 0);
        if (storedNow) expect(delivery?.possibleDuplicate, `message ${number}, ${where}`).toBe(true);
      }
      for (const [number, { file, deliveries }] of reported) {
        if (file?.outcome === "removed") expect(deliveries[0]?.status).toBe("success");
        expect(here.has(number), `message ${number}, ${where}`).toBe(file?.outcome === "kept");
      }
    }

    const sink = await startMaildirSink(stored.maildir, () => {});
    const run = await deliver(sink.endpoint);
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect([...look("at the end")]).toEqual([]);
    expect(stored.copies.size).toBe(source.count);
    sink.kill();
    await sink.ended;
    const twice = stored.files - stored.copies.size;
    console.log(
      `${cut} sinks killed, ${source.count} messages, ${twice} duplicates, ${looks} looks; seed ${seed}`,
    );
  },
  300_000,
);
