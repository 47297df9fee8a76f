import { setMaxListeners } from "node:events";
import { onAbort } from "../io/abort.ts";
import { now } from "../io/clock.ts";
import { tryAgain } from "./again.ts";
import { Budget } from "./budget.ts";
import type { ActiveCase, Case, Need } from "./case.ts";
import { unlessGone } from "./gone.ts";
import { type Outcome, Undecided } from "./outcome.ts";
import type { Probe, Subject } from "./probe.ts";
import { Probes } from "./probes.ts";
import { NO_BYTES, type Result, type RunEnd } from "./result.ts";
import { type Tried, untried } from "./tried.ts";
import { connectionsKept } from "./width.ts";

/** Cases at once: few enough for servers that limit the connections of a client. */
const AT_ONCE = 8;

export interface RunOptions {
  /** Cases at once. */
  readonly atOnce?: number;
  readonly needs: ReadonlySet<Need>;
  /** Called with how many messages the run may deliver, before the first. */
  readonly onAnnounced: (messages: number) => void;
  readonly onResult: (result: Result) => void;
}

/** Runs cases against a server. Never rejects for what a server does. */
export function runCases(cases: readonly Case[], subject: Subject, options: RunOptions): Promise<RunEnd> {
  return new Run(cases, subject, options).end();
}

class Run {
  readonly #cases: readonly Case[];
  readonly #subject: Subject;
  readonly #options: RunOptions;
  readonly #results = new Map<Case, Result>();
  readonly #budget: Budget;
  readonly #ending = new AbortController();
  readonly #interrupted: AbortSignal;
  readonly #probes: Probes;
  /** Whether one case runs at a time. */
  #isAlone = true;

  constructor(cases: readonly Case[], subject: Subject, options: RunOptions) {
    this.#cases = cases;
    // Many connections add a listener to it.
    setMaxListeners(0, this.#ending.signal);
    this.#subject = { ...subject, signal: this.#ending.signal };
    this.#interrupted = subject.signal;
    this.#options = options;
    this.#budget = new Budget(cases.filter((one) => this.#lacks(one).length === 0));
    this.#probes = new Probes(this.#subject, this.#budget);
  }

  async end(): Promise<RunEnd> {
    this.#options.onAnnounced(this.#budget.announced);
    const stopListening = onAbort(this.#interrupted, () => {
      this.#ending.abort(this.#interrupted.reason);
      this.#probes.closeAll();
    });
    try {
      await this.#runAll();
    } finally {
      stopListening();
      this.#probes.closeAll();
    }
    return {
      results: this.#cases.map((one) => this.#results.get(one) as Result),
      messages: { announced: this.#budget.announced, sent: this.#budget.sent },
    };
  }

  async #runAll(): Promise<void> {
    const again: Tried[] = [];
    const waiting = this.#cases.values();
    const work = async () => {
      for (const one of waiting) {
        const result = await this.#first(one);
        if (result !== undefined) again.push(result);
      }
    };
    const atOnce = await this.#atOnce();
    this.#isAlone = atOnce === 1;
    await Promise.all(Array.from({ length: atOnce }, work));
    await tryAgain(again, {
      budget: this.#budget,
      run: (one) => this.#run(one),
      onResult: (result) => this.#report(result),
    });
    await this.#judge();
  }

  /** Half of the connections that the server accepts, as cases may use more than one. */
  async #atOnce(): Promise<number> {
    const { atOnce } = this.#options;
    if (atOnce !== undefined || this.#cases.length === 1) return atOnce ?? 1;
    const probe = this.#probes.open("control", 0);
    try {
      const kept = await connectionsKept(probe, 2 * AT_ONCE);
      return Math.max(1, kept >> 1);
    } finally {
      this.#probes.close(probe);
      this.#probes.forgetFailedConnections();
    }
  }

  /** @returns the result if the case is to be tried again */
  async #first(one: Case): Promise<Tried | undefined> {
    const lacks = this.#lacks(one);
    if (lacks.length > 0)
      this.#report({ case: one, verdict: "skip", got: "", lacks, ms: 0, bytes: NO_BYTES });
    else if ("run" in one) {
      const result = await this.#run(one);
      if (result.late || (result.closed && !this.#isAlone)) return result;
      this.#report(result);
    }
    return undefined;
  }

  async #run(one: ActiveCase): Promise<Tried> {
    const { signal, observer } = this.#subject;
    const startedAt = now();
    if (signal.aborted) return untried(one, "interrupted");
    if (this.#probes.isServerGone) return untried(one, "the server can no longer be reached");
    observer?.note(`${one.id}: ${one.sent}`);
    const probe = this.#probes.open(one.id, one.messages);
    const found = await outcomeOf(one, probe);
    this.#probes.close(probe);
    const outcome = found.closed ? await this.#unlessGone(one, found) : found;
    // The finding of an interrupted case is not reliable.
    const { verdict, got, late = false, bytes = probe.evidence() } = signal.aborted ? INTERRUPTED : outcome;
    const closed = !signal.aborted && found.closed === true;
    const ms = now() - startedAt;
    return { case: one, verdict, got, lacks: [], ms, bytes, late, closed };
  }

  async #unlessGone(one: ActiveCase, found: Outcome): Promise<Outcome> {
    const probe = this.#probes.open("control", 0);
    try {
      return await unlessGone(one, found, probe);
    } finally {
      this.#probes.close(probe);
    }
  }

  /** Judges the cases about responses, now that all responses have been seen. */
  async #judge(): Promise<void> {
    const judging = this.#cases.filter((one) => "judge" in one && this.#lacks(one).length === 0);
    if (judging.length === 0) return;
    const { signal } = this.#subject;
    if (!signal.aborted) await this.#probes.controls.heard("to").catch(() => undefined);
    if (!signal.aborted && this.#subject.refused !== undefined) {
      await this.#probes.controls.heard("refused").catch(() => undefined);
    }
    for (const one of judging) {
      if (!("judge" in one)) continue;
      const { verdict, got, bytes = NO_BYTES } = one.judge(this.#probes.seen);
      // Without all responses, only a deviation is certain.
      const known = signal.aborted && verdict !== "fail" ? INTERRUPTED : { verdict, got };
      this.#report({ case: one, ...known, lacks: [], ms: 0, bytes });
    }
  }

  #lacks({ needs }: Case): Need[] {
    return needs.filter((need) => !this.#options.needs.has(need));
  }

  #report(result: Result & Partial<Pick<Tried, "late" | "closed">>): void {
    const { late: _late, closed: _closed, ...rest } = result;
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
