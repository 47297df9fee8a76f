import { reason } from "../errors.ts";
import { type Delivery, deferred } from "../protocol/delivery.ts";
import type { PackageSource } from "../protocol/package.ts";
import { Listing, type MaildirFile, type Unusable } from "./listing.ts";
import { type FilePackage, MessageFileReader } from "./message-file.ts";
import { consequenceOf, type Policy } from "./policy.ts";
import { Remover } from "./remover.ts";

/** So many rounds in a row without a result are enough to know that there is no point in another one. */
const FRUITLESS_ROUNDS = 3;
/**
 * Files of delivered messages that may wait for their removal before sending waits for them: were this process
 * killed, the messages would be sent again.
 */
const MOST_REMOVALS = 2_048;

export type MaildirPackage = FilePackage<MaildirFile>;

/** A message that nobody will deliver, on its way back. */
export interface Undeliverable {
  readonly package: MaildirPackage;
  readonly delivery: Delivery;
  /** The message got a deferral, and was too old for another one. */
  readonly expired: boolean;
}

/** What became of a message, and of its file. */
export interface MessageResult {
  readonly file: MaildirFile;
  readonly sender: Buffer;
  readonly delivery: Delivery;
  /** Bytes of the message, without its head. */
  readonly bytes: number;
  readonly outcome: "removed" | "bounced" | "discarded" | "kept";
  readonly expired: boolean;
  /** What else there is to say of the file. */
  readonly note: string | undefined;
}

export interface RoundsOptions {
  readonly maildir: string;
  readonly prefix: Buffer;
  readonly policy: Policy;
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
  /** Returns messages to their senders, and tells of each whether that was accepted, or why it was not. */
  readonly bounce: (
    messages: readonly Undeliverable[],
    onReturned: (message: Undeliverable, problem: string | undefined) => void,
  ) => Promise<void>;
  /** Called once for each message. */
  readonly onResult: (result: MessageResult) => void;
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
  readonly #remover = new Remover();
  /** Names that this run is done with, though their files are still there. */
  readonly #done = new Set<string>();
  /** Messages that were sent, or begun, and have no response. */
  readonly #unanswered = new Map<string, Delivery>();
  /** Messages at which a session ended, one in each: they go last, lest they keep all others from going. */
  readonly #suspects = new Set<string>();
  /** Files that could not be read to their end. */
  readonly #broken = new Set<string>();
  /** Of the round: what shall go back to its sender. */
  #undeliverable: Undeliverable[] = [];
  #endedAt: string | undefined;
  /** Messages that need no further round. */
  #settledForGood = 0;
  #leftOver = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#reader = new MessageFileReader(options.prefix, ({ name }) => this.#broken.add(name));
  }

  async run(): Promise<boolean> {
    try {
      const why = await this.#deliver();
      if (why !== undefined) this.#giveUp(why);
      return this.#leftOver;
    } finally {
      await this.#remover.close();
    }
  }

  /** @returns why messages are left that have no result, or undefined when none are */
  async #deliver(): Promise<string | undefined> {
    const { signal } = this.#options;
    let why = "there was no time to send it";
    for (let fruitless = 0; fruitless < FRUITLESS_ROUNDS && !signal.aborted; ) {
      const before = this.#settledForGood;
      const packages = this.#packages(this.#list());
      const first = packages.next();
      if (first.done) return undefined;
      why = (await this.#options.converse(this.#source(first.value, packages), this.#settled)) ?? why;
      await this.#remover.until(0);
      await this.#bounceAll();
      await this.#remover.until(0);
      fruitless = this.#settledForGood > before ? 0 : fruitless + 1;
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
    const end = performance.now() + this.#options.sessionMs;
    for (const file of this.#left(listing)) {
      if (performance.now() > end) return;
      const read = this.#read(file);
      if (read !== undefined) yield read;
    }
  }

  /** The files that this run has not done with, suspects last. */
  *#left(listing: Listing): Generator<MaildirFile, void> {
    const suspects: MaildirFile[] = [];
    for (const file of listing.files()) {
      if (this.#suspects.has(file.name)) suspects.push(file);
      else if (!this.#done.has(file.name)) yield file;
    }
    for (const file of suspects) if (!this.#done.has(file.name)) yield file;
  }

  /** The packages, the first of which was read to see whether there is one; they wait for the remover. */
  #source(first: MaildirPackage, rest: Iterator<MaildirPackage, void>): PackageSource<MaildirPackage> {
    let upcoming: MaildirPackage | undefined = first;
    const next = (): IteratorResult<MaildirPackage, void> => {
      if (upcoming === undefined) return rest.next();
      const value = upcoming;
      upcoming = undefined;
      return { done: false, value };
    };
    return {
      next: () =>
        this.#remover.pending > MOST_REMOVALS ? this.#remover.until(MOST_REMOVALS).then(next) : next(),
    };
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
    const delivery = deliveries[0] as Delivery;
    const before = this.#unanswered.get(pkg.file.name);
    const possibleDuplicate = delivery.possibleDuplicate || before?.possibleDuplicate === true;
    const told =
      possibleDuplicate === delivery.possibleDuplicate ? delivery : { ...delivery, possibleDuplicate };
    if (delivery.origin === "server") {
      this.#settledForGood++;
      if (before !== undefined) this.#unanswered.delete(pkg.file.name);
      this.#answered(pkg, told);
    } else if (this.#broken.has(pkg.file.name)) {
      this.#settledForGood++;
      this.#keep(pkg, told, false);
    } else {
      this.#endedAt ??= pkg.file.name;
      this.#unanswered.set(pkg.file.name, told);
    }
  };

  #answered(pkg: MaildirPackage, delivery: Delivery): void {
    const age = Date.now() - pkg.file.mtimeMs;
    const { action, expired } = consequenceOf(delivery.status, pkg.sender, age, this.#options.policy);
    const final = expired ? { ...delivery, status: "failure" as const } : delivery;
    if (action === "bounce") this.#undeliverable.push({ package: pkg, delivery: final, expired });
    else if (action === "remove") this.#remove(pkg, final, "removed", expired);
    else if (action === "discard") this.#remove(pkg, final, "discarded", expired);
    else this.#remover.remove(undefined, () => this.#keep(pkg, final, expired));
  }

  async #bounceAll(): Promise<void> {
    const undeliverable = this.#undeliverable;
    if (undeliverable.length === 0) return;
    this.#undeliverable = [];
    await this.#options.bounce(undeliverable, ({ package: pkg, delivery, expired }, problem) => {
      if (problem === undefined) this.#remove(pkg, delivery, "bounced", expired);
      else this.#keep(pkg, delivery, expired, `not bounced: ${problem}`);
    });
  }

  /** Only now, when the server has accepted the message, or its bounce was. */
  #remove(
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: "removed" | "bounced" | "discarded",
    expired: boolean,
  ): void {
    this.#remover.remove(pkg.file.path, (error) => {
      if (error === undefined) {
        this.#report(pkg, delivery, outcome, expired, undefined);
        return;
      }
      const again = outcome === "removed" ? "it will be delivered twice" : "it will be sent again";
      this.#keep(pkg, delivery, expired, `${again}: cannot remove the file: ${reason(error)}`);
    });
  }

  #keep(pkg: MaildirPackage, delivery: Delivery, expired: boolean, note?: string): void {
    this.#done.add(pkg.file.name);
    this.#leftOver = true;
    this.#report(pkg, delivery, "kept", expired, note);
  }

  #report(
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: MessageResult["outcome"],
    expired: boolean,
    note: string | undefined,
  ): void {
    const { file, sender, message } = pkg;
    this.#options.onResult({ file, sender, delivery, bytes: message.length, outcome, expired, note });
  }

  /** What has no result by now gets the reason for that. */
  #giveUp(why: string): void {
    const text = Buffer.from(why);
    for (const file of this.#left(this.#list())) {
      const pkg = this.#read(file);
      if (pkg === undefined) continue;
      const delivery = this.#unanswered.get(file.name) ?? deferred(pkg.recipients[0] as Buffer, text);
      this.#keep(pkg, delivery, false);
    }
  }
}
