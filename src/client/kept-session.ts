import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Server } from "../transport/connector.ts";
import { type SessionReport, sendPackages, undelivered } from "./deliver.ts";
import { Intake } from "./intake.ts";
import { Queue } from "./queue.ts";
import type { Route } from "./route.ts";

/** A session takes packages for this share of its time; the rest is for the responses to the last ones. */
const INTAKE_SHARE = 0.9;

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
  /** Whether any of its message was read to be sent. */
  readonly isBegun: () => boolean;
}

/**
 * Sends packages as they come, over one connection at a time, pipelined. It connects when there is something to send,
 * keeps the connection for the next package, and connects again when a session has ended.
 */
export class KeptSession {
  readonly #routeNow: () => Route;
  readonly #options: KeptSessionOptions;
  readonly #queue = new Queue<Waiting>();
  #intake: Intake<Waiting> | undefined;
  #running: Promise<void> | undefined;
  #closing = false;

  /** @param routeNow asked for each session */
  constructor(routeNow: () => Route, options: KeptSessionOptions) {
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
    return new Promise((settle) => {
      this.#queue.add({ ...pkg, message: { ...pkg.message, chunks }, of: pkg, settle, isBegun: () => begun });
      this.#intake?.wake();
      this.#running ??= this.#run();
    });
  }

  /** Takes a package back. @returns whether it was still waiting, so that nothing of it was sent */
  withdraw(pkg: Package): boolean {
    const withdrawn = this.#queue.remove(({ of }) => of === pkg);
    withdrawn?.settle([]);
    return withdrawn !== undefined;
  }

  /** Sends what waits, and closes the connection. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.idle) this.#intake?.end();
    await this.#running;
    this.#closing = false;
  }

  async #run(): Promise<void> {
    // send() sets #running after this has begun.
    await Promise.resolve();
    while (!this.idle) await this.#runSession();
    this.#running = undefined;
  }

  async #runSession(): Promise<void> {
    const { keepMs, onConnected, onEnded } = this.#options;
    const route = this.#routeNow();
    const intake = new Intake(this.#queue, this.#closing ? 0 : keepMs);
    this.#intake = intake;
    const timer = setTimeout(() => intake.end(), route.limits.sessionMs * INTAKE_SHARE);
    // Their messages may be read until the session has ended.
    const abandoned: (() => void)[] = [];
    /** Taken, but the session ended before their turn. */
    const unsent: Waiting[] = [];
    let begun = 0;
    const report = await sendPackages(intake, route, {
      onConnected,
      onSettled: (pkg, deliveries) => {
        intake.settled(pkg);
        if (pkg.isBegun()) begun++;
        if (!pkg.isBegun()) unsent.push(pkg);
        else if (deliveries.every(({ origin }) => origin === "server")) pkg.settle(deliveries);
        else abandoned.push(() => pkg.settle(deliveries));
        if (this.#closing && this.idle) intake.end();
      },
    });
    clearTimeout(timer);
    this.#intake = undefined;
    this.#queue.putBack([...unsent, ...intake.unsettled]);
    onEnded(report);
    for (const settle of abandoned) settle();
    if (begun === 0) this.#deferAll(report);
  }

  /** There was no session, or it ended before it sent anything: the next one would be no better. */
  #deferAll({ cause }: SessionReport): void {
    for (const { recipients, settle } of this.#queue.takeAll()) settle(undelivered(recipients, cause));
  }
}
