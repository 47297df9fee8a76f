import { reason } from "../errors.ts";
import { afterAnother, type Delivery, deferred } from "../protocol/delivery.ts";
import type { PackageSource } from "../protocol/package.ts";
import { Consequences, type ConsequencesOptions, type MaildirPackage } from "./consequences.ts";
import { Listing, type MaildirFile, type Unusable } from "./listing.ts";
import { MessageFileReader } from "./message-file.ts";

/** So many rounds in a row without a result are enough to know that there is no point in another one. */
const FRUITLESS_ROUNDS = 3;

export interface RoundsOptions extends ConsequencesOptions {
  readonly prefix: Buffer;
  /** Milliseconds since 1970: files that are not older may still be arriving. */
  readonly startedAt: number;
  /** Milliseconds after which a session takes no further messages: what is on its way has time to be answered. */
  readonly sessionMs: number;
  /**
   * Sends packages over one session; every package that it takes is settled once.
   * @returns why packages were not taken, or undefined
   */
  readonly converse: (
    packages: PackageSource<MaildirPackage>,
    onSettled: (pkg: MaildirPackage, deliveries: readonly Delivery[]) => void,
  ) => Promise<string | undefined>;
  /** Called once for each file that cannot be sent. */
  readonly onUnusable: (file: Unusable) => void;
  /** Called with the number of messages that wait, at the beginning of each round. */
  readonly onRound?: (files: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Delivers a maildir in rounds, as maildirserial does: each lists it anew, and sends what is there over one
 * session, until nothing is left that this run has not tried.
 * @returns whether anything is left over
 * @throws {CommandError} unreadable-maildir
 */
export async function deliverMaildir(options: RoundsOptions): Promise<boolean> {
  return new Rounds(options).run();
}

class Rounds {
  readonly #options: RoundsOptions;
  readonly #reader: MessageFileReader;
  readonly #consequences: Consequences;
  /** Names that this run is done with, though their files are still there. */
  readonly #done = new Set<string>();
  /** Messages that were sent, or begun, and have no response. */
  readonly #unanswered = new Map<string, { pkg: MaildirPackage; delivery: Delivery }>();
  /** Messages at which a session ended, one in each: they go last, lest they keep all others from going. */
  readonly #suspects = new Set<string>();
  /** Files that could not be read to their end. */
  readonly #broken = new Set<string>();
  /** The first message of the session that got no response. */
  #endedAt: string | undefined;
  /** Rounds without a result, in a row. */
  #fruitless = 0;
  /** Messages that need no further round. */
  #settledForGood = 0;
  #leftOver = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#reader = new MessageFileReader(options.prefix, ({ name }) => this.#broken.add(name));
    this.#consequences = new Consequences({
      ...options,
      onResult: (result) => {
        if (result.outcome === "kept") {
          this.#done.add(result.file.name);
          this.#leftOver = true;
        }
        options.onResult(result);
      },
    });
  }

  async run(): Promise<boolean> {
    try {
      const why = await this.#deliver();
      if (why !== undefined) this.#giveUp(why);
      for (const { pkg, delivery } of this.#unanswered.values()) {
        this.#consequences.keep(pkg, delivery, false, "the file is gone");
      }
      await this.#consequences.complete();
      return this.#leftOver;
    } finally {
      await this.#consequences.close();
    }
  }

  /** @returns why messages are left that have no result, or undefined when none are */
  async #deliver(): Promise<string | undefined> {
    const { signal } = this.#options;
    let why = "there was no time to send it";
    while (this.#fruitless < FRUITLESS_ROUNDS && !signal.aborted) {
      const before = this.#settledForGood;
      const packages = this.#packages(this.#list());
      const first = packages.next();
      if (first.done) return undefined;
      why = (await this.#options.converse(this.#source(first.value, packages), this.#settled)) ?? why;
      await this.#consequences.complete();
      this.#fruitless = this.#settledForGood > before ? 0 : this.#fruitless + 1;
      if (this.#endedAt !== undefined) this.#suspects.add(this.#endedAt);
      this.#endedAt = undefined;
    }
    return signal.aborted ? `interrupted by ${reason(signal.reason)}` : why;
  }

  /** What there is now, and a word on what cannot be sent. */
  #list(): Listing {
    const { maildir, startedAt, onRound } = this.#options;
    const listing = new Listing(maildir, startedAt);
    for (const file of listing.unusable) this.#cannotUse(file);
    onRound?.(listing.length);
    return listing;
  }

  *#packages(listing: Listing): Generator<MaildirPackage, void> {
    for (const file of this.#left(listing)) {
      const read = this.#read(file);
      if (read !== undefined) yield read;
    }
  }

  /** The files that this run has not done with, suspects last; and the last ones first, if all else failed. */
  *#left(listing: Listing): Generator<MaildirFile, void> {
    const suspects: MaildirFile[] = [];
    for (const file of listing.files(this.#fruitless === FRUITLESS_ROUNDS - 1)) {
      if (this.#suspects.has(file.name)) suspects.push(file);
      else if (!this.#done.has(file.name)) yield file;
    }
    for (const file of suspects) if (!this.#done.has(file.name)) yield file;
  }

  /** The packages, the first of which was read to see whether there is one; they wait for files to be removed. */
  #source(first: MaildirPackage, rest: Iterator<MaildirPackage, void>): PackageSource<MaildirPackage> {
    let upcoming: MaildirPackage | undefined = first;
    let end: number | undefined;
    const next = (): IteratorResult<MaildirPackage, void> => {
      end ??= performance.now() + this.#options.sessionMs;
      if (performance.now() > end) return { done: true, value: undefined };
      if (upcoming === undefined) return rest.next();
      const value = upcoming;
      upcoming = undefined;
      return { done: false, value };
    };
    return { next: () => this.#consequences.waitForRoom()?.then(next) ?? next() };
  }

  #read(file: MaildirFile): MaildirPackage | undefined {
    const read = this.#reader.read(file);
    if ("message" in read) return read;
    if ("why" in read) this.#cannotUse({ name: file.name, why: read.why });
    if (read.kind === "ignored") this.#done.add(file.name);
    return undefined;
  }

  #cannotUse(file: Unusable): void {
    if (this.#done.has(file.name)) return;
    this.#done.add(file.name);
    this.#leftOver = true;
    this.#options.onUnusable(file);
  }

  readonly #settled = (pkg: MaildirPackage, deliveries: readonly Delivery[]): void => {
    const { name } = pkg.file;
    const [latest] = deliveries as [Delivery];
    const before = this.#unanswered.get(name)?.delivery;
    const delivery = before === undefined ? latest : afterAnother(before, latest);
    const broken = this.#broken.has(name);
    if (delivery.origin === "client" && !broken) {
      this.#endedAt ??= name;
      this.#unanswered.set(name, { pkg, delivery });
      return;
    }
    this.#settledForGood++;
    this.#unanswered.delete(name);
    if (broken) this.#consequences.keep(pkg, delivery);
    else this.#consequences.answered(pkg, delivery);
  };

  /** What has no result by now gets the reason for that. */
  #giveUp(why: string): void {
    const text = Buffer.from(why);
    for (const file of this.#left(this.#list())) {
      const pkg = this.#read(file);
      if (pkg === undefined) continue;
      const before = this.#unanswered.get(file.name);
      this.#unanswered.delete(file.name);
      this.#consequences.keep(pkg, before?.delivery ?? deferred(pkg.recipients[0] as Buffer, text));
    }
  }
}
