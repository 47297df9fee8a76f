import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Server } from "../transport/connector.ts";
import { type SessionReport, sendPackages, undelivered } from "./deliver.ts";
import { Intake } from "./intake.ts";
import { Queue } from "./queue.ts";
import type { Route } from "./route.ts";
import { INTAKE_SHARE } from "./sessions-contract.ts";

const ALL_ABORTED = new Error("the abort of all its messages");

export interface KeptSessionOptions {
  /** Milliseconds for which the connection stays open without a package to send. */
  readonly keepMs: number;
  readonly onConnected: (server: Server) => void;
  /** Called when a session has ended, or could not begin. */
  readonly onEnded: (report: SessionReport) => void;
}

interface Waiting extends Package {
  readonly of: Package;
  readonly settle: (deliveries: readonly Delivery[]) => void;
  readonly fail: (error: unknown) => void;
  /** Whether any of its message was read to be sent. */
  readonly isBegun: () => boolean;
}

/**
 * Sends packages as they come, over one connection at a time, pipelined. It connects when there is something to send,
 * keeps the connection for the next package, and connects again when a session has ended.
 */
export class KeptSession {
  readonly #routeNow: () => Omit<Route, "signal">;
  readonly #options: KeptSessionOptions;
  readonly #queue = new Queue<Waiting>();
  /** Packages that were neither settled nor withdrawn. */
  readonly #wanted = new Map<Package, Waiting>();
  #intake: Intake<Waiting> | undefined;
  #connected = false;
  /** Ends the session when only withdrawn packages keep it. */
  #stop = new AbortController();
  #stopTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closing = false;

  /** @param routeNow asked for each session */
  constructor(routeNow: () => Omit<Route, "signal">, options: KeptSessionOptions) {
    this.#routeNow = routeNow;
    this.#options = options;
  }

  /** Whether nothing waits to be sent. */
  get idle(): boolean {
    return this.#queue.isEmpty;
  }

  /**
   * Sends a package. Its message is no longer read once this resolves.
   * @returns a delivery for each recipient, in order; never rejects for what a server or the network does
   */
  send(pkg: Package): Promise<readonly Delivery[]> {
    let begun = false;
    const chunks = () => {
      begun = true;
      return pkg.message.chunks();
    };
    return new Promise((resolve, reject) => {
      const settle = (deliveries: readonly Delivery[]) => {
        this.#wanted.delete(pkg);
        resolve(deliveries);
      };
      const message = { ...pkg.message, chunks };
      const waiting = { ...pkg, message, of: pkg, settle, fail: reject, isBegun: () => begun };
      this.#wanted.set(pkg, waiting);
      this.#queue.add(waiting);
      clearTimeout(this.#stopTimer);
      this.#intake?.wake();
      this.#running ??= this.#run();
    });
  }

  /** Takes a package back. @returns whether it was still waiting, so that nothing of it was sent */
  withdraw(pkg: Package): boolean {
    const waiting = this.#wanted.get(pkg);
    if (waiting === undefined) return false;
    this.#wanted.delete(pkg);
    const withdrawn = this.#queue.remove(waiting);
    if (withdrawn) waiting.settle([]);
    this.#stopIfUnwanted();
    return withdrawn;
  }

  /** Sends what waits, and closes the connection. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.idle) this.#intake?.end();
    this.#stopIfUnwanted();
    await this.#running;
    this.#closing = false;
  }

  /** A server that does not answer must not keep a session of withdrawn packages only. */
  #stopIfUnwanted(): void {
    clearTimeout(this.#stopTimer);
    if (this.#wanted.size > 0 || this.#intake === undefined) return;
    if (this.#connected && this.#intake.unsettled.length === 0) return;
    const stop = this.#stop;
    if (this.#closing) stop.abort(ALL_ABORTED);
    else this.#stopTimer = setTimeout(() => stop.abort(ALL_ABORTED), this.#options.keepMs);
  }

  async #run(): Promise<void> {
    // send() sets #running after this has begun.
    await Promise.resolve();
    try {
      while (!this.idle) await this.#runSession();
    } catch (error) {
      this.#failAll(error);
    }
    this.#running = undefined;
  }

  /** A bug must not leave anything waiting. */
  #failAll(error: unknown): void {
    this.#sessionEnded([]);
    this.#queue.takeAll();
    for (const { fail } of this.#wanted.values()) fail(error);
    this.#wanted.clear();
  }

  async #runSession(): Promise<void> {
    const { keepMs, onConnected, onEnded } = this.#options;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const route = { ...this.#routeNow(), signal };
    const intake = new Intake(this.#queue, this.#closing ? 0 : keepMs);
    this.#intake = intake;
    let timer: NodeJS.Timeout | undefined;
    // Their messages may be read until the session has ended.
    const abandoned: (() => void)[] = [];
    /** Taken, but the session ended before their turn. */
    const unsent: Waiting[] = [];
    let begun = 0;
    const report = await sendPackages(intake, route, {
      onConnected: (server) => {
        this.#connected = true;
        timer = setTimeout(() => intake.end(), route.limits.sessionMs * INTAKE_SHARE);
        onConnected(server);
      },
      onSettled: (pkg, deliveries) => {
        intake.settled(pkg);
        if (pkg.isBegun()) begun++;
        if (!pkg.isBegun()) unsent.push(pkg);
        else if (deliveries.every(({ origin }) => origin === "server")) pkg.settle(deliveries);
        else abandoned.push(() => pkg.settle(deliveries));
        if (this.#closing && this.idle) intake.end();
        this.#stopIfUnwanted();
      },
    });
    clearTimeout(timer);
    this.#sessionEnded([...unsent, ...intake.unsettled]);
    onEnded(report);
    for (const settle of abandoned) settle();
    // A session that was not needed says nothing about the next one.
    if (begun === 0 && report.cause !== null && !signal.aborted) this.#deferAll(report);
  }

  #sessionEnded(unsent: readonly Waiting[]): void {
    clearTimeout(this.#stopTimer);
    this.#intake = undefined;
    this.#connected = false;
    const isWanted = (waiting: Waiting) => this.#wanted.has(waiting.of);
    this.#queue.putBack(unsent.filter(isWanted));
    for (const withdrawn of unsent) if (!isWanted(withdrawn)) withdrawn.settle([]);
  }

  /** There was no session, or it ended before it sent anything: the next one would be no better. */
  #deferAll({ cause }: SessionReport): void {
    for (const { recipients, settle } of this.#queue.takeAll()) settle(undelivered(recipients, cause));
  }
}
