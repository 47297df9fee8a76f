import { setMaxListeners } from "node:events";
import { onAbort } from "../io/abort.ts";
import { now } from "../io/clock.ts";
import { type ActiveCase, type Case, messagesOf, type Need } from "./case.ts";
import { type Control, Controls, type Which } from "./control.ts";
import { type Outcome, Undecided, type Verdict } from "./outcome.ts";
import { Probe, type Subject } from "./probe.ts";
import type { Seen } from "./seen.ts";

/** Cases at once: few enough for servers that limit the connections of a client. */
const AT_ONCE = 8;
/** Messages of cases that are tried again, at most. */
const MAX_AGAIN = 10;
/** If so many cases in a row are as late alone as beside others, the server is not slow: it never answers. */
const LATE_IN_A_ROW = 3;
/** Consecutive failed connections after which the server counts as gone. */
const GONE = 8;

/** A case with its verdict. */
export interface Result {
  readonly case: Case;
  readonly verdict: Verdict;
  readonly got: string;
  /** What it lacked, if it was skipped. */
  readonly lacks: readonly Need[];
  readonly ms: number;
  readonly bytes: { readonly sent: Buffer; readonly received: Buffer };
}

type Late = Result & { readonly late: boolean };

export interface RunOptions {
  /** Cases at once. */
  readonly atOnce?: number;
  readonly needs: ReadonlySet<Need>;
  /** Called with how many messages the run may deliver, before the first. */
  readonly onAnnounced: (messages: number) => void;
  readonly onResult: (result: Result) => void;
}

export interface RunEnd {
  /** In the order of the cases. */
  readonly results: readonly Result[];
  readonly messages: { readonly announced: number; readonly sent: number };
}

const NO_BYTES = { sent: Buffer.alloc(0), received: Buffer.alloc(0) };

/** Runs cases against a server. Never rejects for what a server does. */
export function runCases(cases: readonly Case[], subject: Subject, options: RunOptions): Promise<RunEnd> {
  return new Run(cases, subject, options).end();
}

/** How many messages these cases may deliver, with those tried again and the control messages. */
function budgetOf(cases: readonly Case[]): number {
  const own = cases.reduce((sum, one) => sum + messagesOf(one), 0);
  const usesControl = cases.some(({ needs }) => needs.includes("to"));
  return own + Math.min(own, MAX_AGAIN) + (usesControl ? 2 : 0);
}

class Run {
  readonly #cases: readonly Case[];
  readonly #subject: Subject;
  readonly #options: RunOptions;
  readonly #results = new Map<Case, Result>();
  readonly #seen: Seen[] = [];
  /** Of cases that are to be tried again. */
  readonly #lateResults = new Map<Case, Late>();
  readonly #controls: Controls;
  readonly #announced: number;
  readonly #ending = new AbortController();
  readonly #interrupted: AbortSignal;
  readonly #probes = new Set<Probe>();
  #sent = 0;
  /** Messages left for cases that are tried again. */
  #again = 0;
  #failedConnections = 0;

  constructor(cases: readonly Case[], subject: Subject, options: RunOptions) {
    this.#cases = cases;
    // Many connections listen to it at once.
    setMaxListeners(0, this.#ending.signal);
    this.#subject = { ...subject, signal: this.#ending.signal };
    this.#interrupted = subject.signal;
    this.#options = options;
    const possible = cases.filter((one) => this.#lacks(one).length === 0);
    this.#announced = budgetOf(possible);
    this.#again = Math.min(
      MAX_AGAIN,
      possible.reduce((sum, one) => sum + messagesOf(one), 0),
    );
    this.#controls = new Controls((which) => this.#control(which));
  }

  async end(): Promise<RunEnd> {
    this.#options.onAnnounced(this.#announced);
    const stopListening = onAbort(this.#interrupted, () => {
      this.#ending.abort(this.#interrupted.reason);
      for (const probe of this.#probes) probe.close();
    });
    try {
      await this.#runAll();
    } finally {
      stopListening();
      for (const probe of this.#probes) probe.close();
    }
    return {
      results: this.#cases.map((one) => this.#results.get(one) as Result),
      messages: { announced: this.#announced, sent: this.#sent },
    };
  }

  async #runAll(): Promise<void> {
    const late: ActiveCase[] = [];
    const waiting = this.#cases.values();
    const work = async () => {
      for (const one of waiting) if (await this.#first(one)) late.push(one as ActiveCase);
    };
    await Promise.all(Array.from({ length: this.#options.atOnce ?? AT_ONCE }, work));
    await this.#tryAgain(late);
    await this.#judge();
  }

  /** @returns whether it is to be tried again */
  async #first(one: Case): Promise<boolean> {
    const lacks = this.#lacks(one);
    if (lacks.length > 0)
      this.#report({ case: one, verdict: "skip", got: "", lacks, ms: 0, bytes: NO_BYTES });
    else if ("run" in one) {
      const result = await this.#run(one);
      if (result.late) return true;
      this.#report(result);
    }
    return false;
  }

  /** What failed on time alone is tried once more by itself: the machine may have been busy. */
  async #tryAgain(late: readonly ActiveCase[]): Promise<void> {
    let inARow = 0;
    if (late.length > 0) await this.#controls.retry();
    for (const one of late) {
      const left = this.#again - one.messages;
      const confirmed = inARow >= LATE_IN_A_ROW;
      if (confirmed || left < 0) {
        const { late: _late, ...first } = this.#lateResults.get(one) as Late;
        this.#report(confirmed ? first : { ...first, verdict: "unclear" });
        continue;
      }
      this.#again = left;
      const { late: again, ...result } = await this.#run(one);
      inARow = again ? inARow + 1 : 0;
      this.#report(result);
    }
  }

  async #run(one: ActiveCase): Promise<Late> {
    const { signal, observer } = this.#subject;
    const startedAt = now();
    if (signal.aborted) return this.#unclear(one, "interrupted");
    if (this.#failedConnections >= GONE) return this.#unclear(one, "the server can no longer be reached");
    observer?.note(`${one.id}: ${one.sent}`);
    const probe = this.#probe(one.id, one.messages);
    const found = await outcomeOf(one, probe);
    this.#close(probe);
    const outcome = found.closed && !one.isAboutOthers ? await this.#unlessGone(found) : found;
    // The finding of an interrupted case is not reliable.
    const { verdict, got, late = false } = signal.aborted ? INTERRUPTED : outcome;
    const ms = now() - startedAt;
    const result = { case: one, verdict, got, lacks: [], ms, bytes: probe.evidence(), late };
    if (late) this.#lateResults.set(one, result);
    return result;
  }

  /** After a closed connection, checks whether the server still serves anyone. */
  async #unlessGone(found: Outcome): Promise<Outcome> {
    const probe = this.#probe("control", 0);
    try {
      const wire = await probe.open();
      const { end } = await wire.hear(1, this.#subject.waitMs);
      if (end !== "closed") return found;
      return { verdict: "unclear", got: `${found.got}; and so are others` };
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      return { verdict: "unclear", got: error.message };
    } finally {
      this.#close(probe);
    }
  }

  #unclear(one: Case, got: string): Late {
    return { case: one, verdict: "unclear", got, lacks: [], ms: 0, bytes: NO_BYTES, late: false };
  }

  /** Cases about responses have seen all of them now. */
  async #judge(): Promise<void> {
    const judging = this.#cases.filter((one) => "judge" in one && this.#lacks(one).length === 0);
    if (judging.length === 0) return;
    const { signal } = this.#subject;
    if (!signal.aborted) await this.#controls.heard("to").catch(() => undefined);
    if (!signal.aborted && this.#subject.refused !== undefined) {
      await this.#controls.heard("refused").catch(() => undefined);
    }
    for (const one of judging) {
      if (!("judge" in one)) continue;
      const { verdict, got } = one.judge(this.#seen);
      // Without all responses, only a deviation is certain.
      const known = signal.aborted && verdict !== "fail" ? INTERRUPTED : { verdict, got };
      this.#report({ ...this.#unclear(one, known.got), verdict: known.verdict });
    }
  }

  async #control(which: Which): Promise<Control> {
    const probe = this.#probe("control", 2);
    const wire = await probe.open();
    const { text, mark } = probe.message();
    const recipient = which === "to" ? probe.to : probe.refused;
    const bytes = probe.package([recipient], text);
    await (which === "to" ? wire.post(bytes, 1) : wire.send(bytes));
    const heard = await wire.hear(1);
    const closes = wire.hear(2, this.#subject.waitMs).then(({ end }) => {
      this.#close(probe);
      return end === "closed";
    });
    return { heard, mark, closes };
  }

  #probe(id: string, allowed: number): Probe {
    let left = allowed;
    const probe = new Probe(id, this.#subject, this.#controls, {
      onSeen: (seen) => {
        this.#failedConnections = 0;
        this.#seen.push(seen);
      },
      onMessages: (count) => {
        left -= count;
        if (left < 0 || this.#sent + count > this.#announced) {
          throw new RangeError(`${id} sends more messages than announced`);
        }
        this.#sent += count;
      },
      onConnectFailed: () => this.#failedConnections++,
    });
    this.#probes.add(probe);
    return probe;
  }

  #close(probe: Probe): void {
    this.#probes.delete(probe);
    probe.close();
  }

  #lacks({ needs }: Case): Need[] {
    return needs.filter((need) => !this.#options.needs.has(need));
  }

  #report(result: Result & { readonly late?: boolean }): void {
    const { late: _late, ...rest } = result;
    this.#results.set(rest.case, rest);
    this.#options.onResult(rest);
  }
}

const INTERRUPTED: Outcome = { verdict: "unclear", got: "interrupted" };

async function outcomeOf(one: ActiveCase, probe: Probe): Promise<Outcome> {
  try {
    if (one.needs.includes("to") && one.isControl !== true) await probe.controls.answered();
    return await one.run(probe);
  } catch (error) {
    if (!(error instanceof Undecided)) throw error;
    return { verdict: "unclear", got: error.message, late: error.late };
  }
}

/** What is known if there is no connection at all. */
export function unreached(cases: readonly Case[]): RunEnd {
  const results = cases.map((one) => ({
    case: one,
    verdict: "unclear" as const,
    got: "no connection",
    lacks: [],
    ms: 0,
    bytes: NO_BYTES,
  }));
  return { results, messages: { announced: 0, sent: 0 } };
}

/** What a run provides to its cases. */
export function needsMet(
  subject: Subject,
  given: { readonly large: boolean; readonly slow: boolean },
): Set<Need> {
  const met = new Set<Need>();
  if (subject.to !== undefined) met.add("to");
  if (subject.refused !== undefined) met.add("refused");
  if (subject.inbox !== undefined) met.add("inbox");
  if (subject.endpoint.kind === "tls") met.add("tls");
  if (given.large) met.add("large");
  if (given.slow) met.add("slow");
  return met;
}
