import type { SessionOfRun, SharedSource } from "../client/sessions-contract.ts";
import { now } from "../io/clock.ts";
import type { PackageSource } from "../protocol/package.ts";
import type { MaildirFile } from "./listing.ts";
import type { MaildirPackage } from "./outcomes.ts";

const DONE = { done: true, value: undefined } as const;

type Read = (file: MaildirFile) => MaildirPackage | undefined;

export interface RoundOptions {
  /** Reads a file between sessions; undefined if it cannot be sent. */
  readonly read: Read;
  /** What reads files for a session. A message is valid until the next file is read for the same session. */
  readonly readFor: (session: SessionOfRun) => Read;
  /** Milliseconds for which a session takes messages. */
  readonly intakeMs: number;
  /** Whether the run takes no more messages. */
  readonly isOver: () => boolean;
  /** A promise if sessions have to wait before they take more. */
  readonly waitForRoom: () => Promise<void> | undefined;
}

/** The messages of a round: each goes to the session that has room for it first. */
export class Round implements SharedSource<MaildirPackage> {
  readonly #files: Iterator<MaildirFile, void>;
  readonly #options: RoundOptions;
  /** The next files, the first of which is `#ahead[#at]`. */
  readonly #ahead: MaildirFile[] = [];
  #at = 0;

  constructor(files: Iterator<MaildirFile, void>, options: RoundOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** How many messages there are, but at most this many. Call before the first is taken. */
  count(most: number): number {
    while (this.#ahead.length < most) {
      const { done, value } = this.#files.next();
      if (done) break;
      // Files of others must not count: they may be all that is there.
      if (this.#options.read(value) !== undefined) this.#ahead.push(value);
    }
    return this.#ahead.length;
  }

  hasMore(): boolean {
    if (this.#options.isOver()) return false;
    if (this.#at < this.#ahead.length) return true;
    const { done, value } = this.#files.next();
    if (!done) this.#ahead.push(value);
    return !done;
  }

  /** A session takes no more when its time is nearly up, so that those in flight are answered. */
  sourceFor(session: SessionOfRun): PackageSource<MaildirPackage> {
    const { intakeMs, isOver, waitForRoom, readFor } = this.#options;
    let read: Read | undefined;
    let end: number | undefined;
    const next = (): IteratorResult<MaildirPackage, void> => {
      end ??= now() + intakeMs;
      read ??= readFor(session);
      if (session.ended || now() > end || isOver()) return DONE;
      for (;;) {
        const file = this.#nextFile();
        if (file === undefined) return DONE;
        const value = read(file);
        if (value !== undefined) return { done: false, value };
      }
    };
    return { next: () => waitForRoom()?.then(next) ?? next() };
  }

  #nextFile(): MaildirFile | undefined {
    if (this.#at < this.#ahead.length) return this.#ahead[this.#at++];
    const { done, value } = this.#files.next();
    return done ? undefined : value;
  }
}
