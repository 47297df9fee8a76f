import { type Case, messagesOf } from "./case.ts";

/** The most messages for cases that are tried again. */
const MAX_AGAIN = 10;
/** Control messages, of which the first may get no answer in time. */
const CONTROLS = 2;

/** How many messages a run may deliver. The limit is announced before the first is sent, and never exceeded. */
export class Budget {
  readonly announced: number;
  #sent = 0;
  /** Messages left for cases that are tried again. */
  #again: number;

  constructor(cases: readonly Case[]) {
    const own = cases.reduce((sum, one) => sum + messagesOf(one), 0);
    const usesControl = cases.some(({ needs }) => needs.includes("to"));
    this.#again = Math.min(own, MAX_AGAIN);
    this.announced = own + this.#again + (usesControl ? CONTROLS : 0);
  }

  get sent(): number {
    return this.#sent;
  }

  /** @throws {RangeError} if that is more than was announced */
  spend(count: number): void {
    if (this.#sent + count > this.announced) throw new RangeError("more messages than announced");
    this.#sent += count;
  }

  /** Whether this many messages can be sent again. If so, they count. */
  allowsAgain(count: number): boolean {
    if (count > this.#again) return false;
    this.#again -= count;
    return true;
  }
}
