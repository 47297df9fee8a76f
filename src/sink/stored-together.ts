import { MAX_SYNCS } from "../maildir/store.ts";
import { bytesOf, encodeAll } from "./answers.ts";
import { type Answer, factsOf, type Incoming } from "./incoming.ts";
import type { Outbox } from "./outbox.ts";

/** Packages whose messages wait for the disk together, while the next one is read. */
export class StoredTogether {
  readonly #outbox: Outbox;
  /** In the order in which they came. */
  readonly #storing: {
    readonly incoming: Incoming;
    readonly answers: Promise<readonly Answer[] | undefined>;
  }[] = [];

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  add(incoming: Incoming, answers: Promise<readonly Answer[] | undefined>): void {
    this.#storing.push({ incoming, answers });
  }

  /** Whether to answer before the next one is read. */
  get isFull(): boolean {
    return this.#storing.length >= MAX_SYNCS;
  }

  /** Waits for the disk, and puts the responses into the outbox, in order. */
  async answer(): Promise<void> {
    for (const { incoming, answers } of this.#storing.splice(0)) {
      const stored = (await answers) ?? [];
      const { surplus } = incoming;
      this.#outbox.push(bytesOf(encodeAll(stored, surplus)));
      this.#outbox.answered({ ...factsOf(incoming), surplus, answers: stored, misbehaviours: [] });
    }
  }
}
