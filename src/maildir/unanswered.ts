import type { SessionOfRun } from "../client/sessions-contract.ts";
import type { Sent } from "./outcomes.ts";

/** Messages that were sent, at least in part, and got no response. */
export class Unanswered {
  readonly #sent = new Map<string, Sent>();
  /** The first of these of each session that ended early, in earlier rounds. */
  readonly #suspects = new Set<string>();
  /** The same of each session of this round. */
  readonly #endedAt = new Map<SessionOfRun, string>();

  /** What came of sending the message before. */
  get(name: string): Sent | undefined {
    // A new name must be hashed to be looked up: in a large maildir, that takes longer than all else done for it.
    return this.#sent.size === 0 ? undefined : this.#sent.get(name);
  }

  /** The message keeps its place if it was sent before. */
  add(sent: Sent, session: SessionOfRun): void {
    const { name } = sent.pkg.file;
    if (!this.#endedAt.has(session)) this.#endedAt.set(session, name);
    this.#sent.set(name, sent);
  }

  take(name: string): Sent | undefined {
    const sent = this.get(name);
    if (sent !== undefined) this.#sent.delete(name);
    return sent;
  }

  /** Those that were not taken. */
  get rest(): Iterable<Sent> {
    return this.#sent.values();
  }

  /** Whether a session of this round has left a message without a response. */
  get hasNew(): boolean {
    return this.#endedAt.size > 0;
  }

  endRound(): void {
    for (const name of this.#endedAt.values()) this.#suspects.add(name);
    this.#endedAt.clear();
  }

  /** Whether the message may have ended a session. Such a message is sent last, to hold up no others. */
  isSuspect(name: string): boolean {
    return this.#suspects.size > 0 && this.#suspects.has(name);
  }
}
