import type { Delivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Cause } from "../session/cause.ts";
import { Latencies } from "./latencies.ts";
import { LATE_MS, type TimedPackage } from "./schedule.ts";
import { Texts } from "./texts.ts";
import { Timeline } from "./timeline.ts";

/** Different violations and errors to keep. */
const MAX_KINDS = 10;

/** A violation, where it came first, and how many sessions it ended. */
export type CountedViolation = Violation & { readonly count: number };
export interface CountedError {
  readonly error: Cause["error"];
  readonly count: number;
}

/** What came of the packages, of all sessions together. */
export class Tally {
  /** From the moment when a package was sent to its last response. */
  readonly fromSent = new Latencies();
  readonly fromDue = new Latencies();
  readonly connect = new Latencies();
  readonly timeline = new Timeline();
  readonly texts = new Texts();
  /** Of recipients. */
  readonly counts: Record<Status, number> = { success: 0, deferral: 0, failure: 0 };
  /** Packages with all of their responses. */
  answered = 0;
  /** Packages without. */
  lost = 0;
  /** Recipients without a response. */
  unanswered = 0;
  late = 0;
  failedConnections = 0;
  brokenConnections = 0;
  /** When the last response came; milliseconds of `now`. */
  lastAt = 0;
  readonly #violations = new Map<string, { readonly violation: Violation; count: number }>();
  readonly #errors = new Map<string, { readonly error: Cause["error"]; count: number }>();

  /**
   * @param at when the last response came
   * @param since when measuring began
   */
  add({ dueAt, sentAt }: TimedPackage, deliveries: readonly Delivery[], at: number, since: number): void {
    let responses = 0;
    for (const { status, text, origin } of deliveries) {
      this.counts[status]++;
      if (origin !== "server") continue;
      responses++;
      this.texts.add(status, text);
    }
    this.unanswered += deliveries.length - responses;
    if (sentAt - dueAt > LATE_MS) this.late++;
    if (responses < deliveries.length) {
      this.lost++;
      return;
    }
    this.answered++;
    this.lastAt = at;
    this.fromSent.record(at - sentAt);
    this.fromDue.record(at - dueAt);
    this.timeline.add(at - since);
  }

  addViolations(violations: readonly Violation[]): void {
    for (const violation of violations) {
      count(this.#violations, violation.code + violation.message, { violation, count: 0 });
    }
  }

  addError(error: Cause["error"]): void {
    count(this.#errors, error.code + error.message, { error, count: 0 });
  }

  get violations(): readonly CountedViolation[] {
    return [...this.#violations.values()].map(({ violation, count }) => ({ ...violation, count }));
  }

  get errors(): readonly CountedError[] {
    return [...this.#errors.values()];
  }
}

function count<T extends { count: number }>(counts: Map<string, T>, key: string, first: T): void {
  const known = counts.get(key) ?? first;
  known.count++;
  if (counts.has(key) || counts.size < MAX_KINDS) counts.set(key, known);
}
