import type { BatchedStore } from "../maildir/batched.ts";
import type { ViolationError } from "../protocol/violation.ts";
import type { Draws } from "./draws.ts";
import type { Answer } from "./incoming.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import type { AcceptanceRules } from "./rules.ts";

export interface ConversationOptions {
  readonly rules: AcceptanceRules;
  /** Stores accepted messages; without it they are only counted. */
  readonly store?: BatchedStore | undefined;
  /** Milliseconds to wait before a package is answered. */
  readonly delayMs: number;
  /** Milliseconds without a byte from or to the client before it is dropped. */
  readonly idleMs: number;
  readonly draws?: Draws | undefined;
  /** How many clients are connected. */
  readonly clients?: () => number;
  /** A fault ends the service for all other clients. */
  readonly onDeath?: () => void;
  /** The number of the next accepted package, for its response. */
  readonly nextNumber: () => number;
  readonly onPackage: (pkg: Received) => void;
  /** Called when the client broke the protocol. */
  readonly onViolation: (violation: ViolationError) => void;
  /** Called when the client was dropped because it was idle. */
  readonly onIdle: () => void;
  /** Called with the reasons when a message could not be stored. */
  readonly onNotStored: (reasons: readonly string[]) => void;
  /** Called when something went wrong on our side. */
  readonly onFailure: (error: unknown) => void;
}

/** A package that was answered. */
export interface Received {
  readonly sender: Buffer;
  readonly answers: readonly Answer[];
  /** Recipients beyond the limits: refused, counted and not listed. */
  readonly surplus: number;
  readonly bytes: number;
  readonly encoding: "unix" | "dos";
  /** The faults of the response. */
  readonly misbehaviours: readonly Misbehaviour[];
}
