import type { Delivery } from "../protocol/delivery.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import type { Cause } from "../session/cause.ts";
import type { Server } from "../transport/connector.ts";
import type { SessionReport } from "./deliver.ts";

/** The most sessions at once: each is a process on most servers. */
export const MAX_SESSIONS = 1_000;

/**
 * A session takes packages for this share of its time. The rest is for the responses to the last ones, which would
 * otherwise be sent twice.
 */
export const INTAKE_SHARE = 0.9;

/** How many sessions to use, and how. */
export interface SessionsOptions {
  /** The most at once. */
  readonly count: number;
  /** Deal them out among all endpoints that can be reached. */
  readonly spread: boolean;
}

/** One session of a run. */
export interface SessionOfRun {
  /** In the order in which sessions of the run begin to connect, from 1. */
  readonly number: number;
  /** When it began to connect. */
  readonly startedAt: number;
  /** Once it is connected, the server that answered. */
  server: Server;
  /** It takes no more packages. */
  ended: boolean;
}

/** Where the sessions get their packages. */
export interface SharedSource<P extends Package> {
  /** How many packages there are, but at most this many. Called before the first is taken. */
  count(most: number): number;
  /** Whether there is anything for another session. */
  hasMore(): boolean;
  /** The packages for this session: each one that is left goes to the session that asks first. */
  sourceFor(session: SessionOfRun): PackageSource<P>;
}

export interface SessionsEvents<P extends Package> {
  /** Called once for each package taken, as in a single session. */
  readonly onSettled: (pkg: P, deliveries: readonly Delivery[], session: SessionOfRun) => void;
  /** Called before each session connects. */
  readonly onConnecting?: ((session: SessionOfRun) => void) | undefined;
  readonly onConnected?: ((server: Server, session: SessionOfRun) => void) | undefined;
  /** Called with the total of bytes that the connection of a session has taken. */
  readonly onProgress?: ((bytes: number, session: SessionOfRun) => void) | undefined;
  readonly onSessionEnd?: ((report: SessionReport, session: SessionOfRun) => void) | undefined;
  /** Called when a session takes the place of one that broke. */
  readonly onReplacing?: ((broken: SessionReport) => void) | undefined;
}

/** A session that is over. */
export interface EndedSession extends SessionReport {
  readonly session: SessionOfRun;
}

/** Why packages are left after these sessions, or null: that a session could not begin counts less. */
export function causeOfAll(sessions: readonly EndedSession[]): Cause | null {
  const began = sessions.find(({ cause, timing }) => cause !== null && timing.connectMs !== null);
  return (began ?? sessions.find(({ cause }) => cause !== null))?.cause ?? null;
}
