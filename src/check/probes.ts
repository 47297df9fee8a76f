import type { Budget } from "./budget.ts";
import { type Control, Controls, type Which } from "./control.ts";
import { sendControl } from "./control-message.ts";
import { Probe, type Subject } from "./probe.ts";
import type { Seen } from "./seen.ts";

/** Consecutive failed connections after which the server counts as gone. */
const GONE = 8;

/** The open probes of a run, and what they have seen together. */
export class Probes {
  readonly controls: Controls;
  readonly seen: Seen[] = [];
  readonly #subject: Subject;
  readonly #budget: Budget;
  readonly #open = new Set<Probe>();
  #failedConnections = 0;

  constructor(subject: Subject, budget: Budget) {
    this.#subject = subject;
    this.#budget = budget;
    this.controls = new Controls((which) => this.#control(which));
  }

  get isServerGone(): boolean {
    return this.#failedConnections >= GONE;
  }

  /** For when connections were expected to fail. */
  forgetFailedConnections(): void {
    this.#failedConnections = 0;
  }

  /** @param allowed how many messages it may deliver */
  open(id: string, allowed: number): Probe {
    let left = allowed;
    const probe = new Probe(id, this.#subject, this.controls, {
      onSeen: (seen) => this.seen.push(seen),
      onMessages: (count) => {
        left -= count;
        if (left < 0) throw new RangeError(`${id} sends more messages than announced`);
        this.#budget.spend(count);
      },
      onConnect: (connected) => {
        this.#failedConnections = connected ? 0 : this.#failedConnections + 1;
      },
    });
    this.#open.add(probe);
    return probe;
  }

  close(probe: Probe): void {
    this.#open.delete(probe);
    probe.close();
  }

  closeAll(): void {
    for (const probe of this.#open) probe.close();
  }

  /** All cases wait for it: if nothing comes, it is tried once more by itself. */
  async #control(which: Which): Promise<Control> {
    const first = await this.#sendControl(which);
    const { responses, end } = first.heard;
    if (responses.length > 0 || end === "broken") return first;
    return this.#sendControl(which);
  }

  #sendControl(which: Which): Promise<Control> {
    const probe = this.open("control", 1);
    return sendControl(probe, which, () => this.close(probe));
  }
}
