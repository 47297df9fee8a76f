import type { Route } from "../client/route.ts";
import { Sessions } from "../client/sessions.ts";
import {
  causeOfAll,
  INTAKE_SHARE,
  type SessionOfRun,
  type SessionsEvents,
  type SessionsOptions,
} from "../client/sessions-contract.ts";
import type { QmtpError } from "../errors.ts";
import { SpareDescriptor } from "../io/spare-descriptor.ts";
import { type Delivery, deferralFor, mergeAttempts } from "../protocol/delivery.ts";
import { Listing, type MaildirFile, type Unusable } from "./listing.ts";
import { type MaildirPackage, Outcomes, type OutcomesOptions } from "./outcomes.ts";
import { Readers } from "./readers.ts";
import { Round } from "./round.ts";
import { isOutOfTime, type NotSent, whyStopped } from "./run-end.ts";
import { Unanswered } from "./unanswered.ts";

/** After this many consecutive rounds without a result, give up. */
const MAX_FRUITLESS_ROUNDS = 3;

export interface RoundsOptions extends OutcomesOptions {
  readonly prefix: Buffer;
  readonly route: Route;
  /** By default, one session at a time. */
  readonly sessions?: SessionsOptions;
  /** Milliseconds since 1970: newer files may still be arriving. */
  readonly startedAt: number;
  /** Called once for each file that cannot be sent. */
  readonly onUnusable: (file: Unusable) => void;
  /** Called at the start of each round with the number of messages waiting. */
  readonly onRound?: (files: number) => void;
  /** Called before the sessions of each round. */
  readonly onConnecting?: () => void;
  readonly onConnected?: SessionsEvents<MaildirPackage>["onConnected"];
  readonly onSessionEnd?: SessionsEvents<MaildirPackage>["onSessionEnd"];
  readonly onReplacing?: SessionsEvents<MaildirPackage>["onReplacing"];
  /** Called after the sessions of each round, with why messages are left, or null. */
  readonly onRoundEnd?: (error: QmtpError | null) => void;
  /** Called when a signal or the end of its time has ended the run, with the number of messages that were not sent. */
  readonly onStopped?: (notSent: number, error: QmtpError) => void;
}

/**
 * Delivers a maildir in rounds, as maildirserial does. Each round lists the maildir again and sends what it finds over
 * one session, or several at once, until this run has tried everything.
 * @returns whether anything is left over
 * @throws {QmtpError} unreadable-maildir
 */
export async function deliverMaildir(options: RoundsOptions): Promise<boolean> {
  return new Rounds(options).run();
}

class Rounds {
  readonly #options: RoundsOptions;
  readonly #sessions: Sessions;
  /** Many sessions may take all descriptors. */
  readonly #spare: SpareDescriptor | undefined;
  readonly #readers: Readers;
  readonly #outcomes: Outcomes;
  /** Names of files that this run is done with although they are still there. */
  readonly #done = new Set<string>();
  readonly #unanswered = new Unanswered();
  /** Files that could not be read to their end. */
  readonly #unreadable = new Set<string>();
  /** Consecutive rounds without a result. */
  #fruitless = 0;
  /** Count of messages that need no further round. */
  #finished = 0;
  #leftOver = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.sessions ?? { count: 1, spread: false });
    if (this.#sessions.most > 1) this.#spare = new SpareDescriptor();
    this.#readers = new Readers(this.#sessions.most, {
      prefix: options.prefix,
      onUnreadable: ({ name }) => this.#unreadable.add(name),
      spare: this.#spare,
    });
    this.#outcomes = new Outcomes({
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
      const stopped = whyStopped(this.#options.route, why);
      if (stopped !== undefined) this.#countUnsent(stopped);
      else if (why !== undefined) this.#giveUp(why);
      for (const sent of this.#unanswered.rest) {
        this.#outcomes.keep(sent, false, { text: "the file is gone" });
      }
      await this.#outcomes.complete();
      return this.#leftOver;
    } finally {
      this.#spare?.close();
      await this.#outcomes.close();
    }
  }

  /** @returns why messages are left without a result, or undefined if none are */
  async #deliver(): Promise<NotSent | undefined> {
    const { route } = this.#options;
    let why: NotSent = { text: "not sent: the run ended first", error: undefined };
    while (this.#fruitless < MAX_FRUITLESS_ROUNDS && !route.signal.aborted && !isOutOfTime(route)) {
      const before = this.#finished;
      const round = this.#newRound();
      if (round.count(this.#sessions.most) === 0) return undefined;
      why = (await this.#send(round)) ?? why;
      await this.#outcomes.complete();
      this.#fruitless = this.#finished > before ? 0 : this.#fruitless + 1;
      this.#unanswered.endRound();
    }
    return why;
  }

  /** @returns why packages were not taken, or undefined */
  async #send(round: Round): Promise<NotSent | undefined> {
    const { route, onConnecting, onConnected, onSessionEnd, onReplacing, onRoundEnd } = this.#options;
    onConnecting?.();
    const ended = await this.#sessions.send(round, route, {
      onConnected,
      onSettled: this.#onSettled,
      onSessionEnd: (report, session) => {
        this.#readers.takeBackFrom(session);
        onSessionEnd?.(report, session);
      },
      onReplacing,
    });
    const cause = causeOfAll(ended);
    // With several sessions, that one broke is of no account if the others have sent everything.
    const left = this.#sessions.most === 1 || this.#unanswered.hasNew || round.hasMore();
    onRoundEnd?.(left ? (cause?.error ?? null) : null);
    return cause === null ? undefined : { text: cause.texts.unsent, error: cause.error };
  }

  /** Lists the maildir, and reports files that cannot be sent. */
  #list(): Listing {
    const { maildir, startedAt, onRound } = this.#options;
    const newListing = () => new Listing(maildir, startedAt);
    const listing = this.#spare === undefined ? newListing() : this.#spare.lendTo(newListing);
    for (const file of listing.unusable) this.#reportUnusable(file);
    onRound?.(listing.length);
    return listing;
  }

  /** The files that this run is not done with, suspects last. In the last round, newest first. */
  *#remaining(listing: Listing): Generator<MaildirFile, void> {
    const suspects: MaildirFile[] = [];
    for (const file of listing.files(this.#fruitless === MAX_FRUITLESS_ROUNDS - 1)) {
      if (this.#unanswered.isSuspect(file.name)) suspects.push(file);
      else if (!this.#isDone(file)) yield file;
    }
    for (const file of suspects) if (!this.#isDone(file)) yield file;
  }

  #isDone({ name }: { readonly name: string }): boolean {
    return this.#done.size > 0 && this.#done.has(name);
  }

  #newRound(): Round {
    const { route } = this.#options;
    return new Round(this.#remaining(this.#list()), {
      read: (file) => this.#read(file),
      readFor: (session) => {
        const reader = this.#readers.lendTo(session);
        return (file) => this.#read(file, reader);
      },
      intakeMs: route.limits.sessionMs * INTAKE_SHARE,
      isOver: () => isOutOfTime(route),
      waitForRoom: () => this.#outcomes.waitForRoom(),
    });
  }

  #read(file: MaildirFile, reader = this.#readers.first): MaildirPackage | undefined {
    const read = reader.read(file);
    if ("message" in read) return read;
    if ("why" in read) this.#reportUnusable({ name: file.name, why: read.why });
    if (read.kind === "ignored") this.#done.add(file.name);
    return undefined;
  }

  #reportUnusable(file: Unusable): void {
    if (this.#done.has(file.name)) return;
    this.#done.add(file.name);
    this.#leftOver = true;
    this.#options.onUnusable(file);
  }

  readonly #onSettled = (
    pkg: MaildirPackage,
    deliveries: readonly Delivery[],
    session: SessionOfRun,
  ): void => {
    const { name } = pkg.file;
    const [latest] = deliveries as [Delivery];
    const before = this.#unanswered.get(name)?.delivery;
    const delivery = before === undefined ? latest : mergeAttempts(before, latest);
    const unreadable = this.#unreadable.size > 0 && this.#unreadable.has(name);
    const sent = { pkg, delivery, session };
    if (delivery.origin === "client" && !unreadable) {
      this.#unanswered.add(sent, session);
      return;
    }
    this.#finished++;
    if (before !== undefined) this.#unanswered.take(name);
    if (unreadable) this.#outcomes.keep(sent);
    else this.#outcomes.answered(sent);
  };

  /** Defers messages that were sent without a response, and counts those that were not sent. */
  #countUnsent(why: QmtpError): void {
    const { prefix, onStopped } = this.#options;
    let notSent = 0;
    for (const file of this.#remaining(this.#list())) {
      const sent = this.#unanswered.take(file.name);
      if (sent !== undefined) this.#outcomes.keep(sent);
      // With a prefix, only the head shows whether a message is ours.
      else if (prefix.length === 0 || this.#read(file) !== undefined) notSent++;
    }
    if (notSent > 0) this.#leftOver = true;
    onStopped?.(notSent, why);
  }

  /** Defers all messages without a result. */
  #giveUp({ text, error }: NotSent): void {
    const unsentText = Buffer.from(text);
    for (const file of this.#remaining(this.#list())) {
      const pkg = this.#read(file);
      if (pkg === undefined) continue;
      const before = this.#unanswered.take(file.name);
      const delivery = before?.delivery ?? deferralFor(pkg.recipients[0] as Buffer, unsentText, error);
      this.#outcomes.keep({ pkg, delivery, session: before?.session });
    }
  }
}
