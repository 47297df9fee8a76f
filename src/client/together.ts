import type { Delivery } from "../protocol/delivery.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import type { WindowLimits } from "../session/contract.ts";
import type { MuteServers } from "./mute-servers.ts";
import type { Route } from "./route.ts";
import type {
  EndedSession,
  SessionOfRun,
  SessionsEvents,
  SessionsOptions,
  SharedSource,
} from "./sessions-contract.ts";
import { NOT_NEEDED, SharedConnector } from "./shared-connector.ts";

/** Sessions that connect at the same time: servers turn away connections that come faster than they accept them. */
const CONNECTING = 32;

/** Until a session has shown how fast it is, no package waits in it for its turn. */
const MIN_IN_FLIGHT = 1;
/** Most packages in flight in all sessions: a killed run may have to send them again. */
const MAX_IN_ALL = 4_096;
/** Enough for each session where the path, not the server, takes the time. */
const MAX_OF_MANY = 16;
/** A session keeps its server busy for this many milliseconds: less would make many small writes. */
const HORIZON_MS = 10;

type RunSession<P extends Package> = (
  source: SharedSource<P>,
  route: Route,
  events: SessionsEvents<P>,
) => Promise<EndedSession>;

/** Several sessions at once. */
export class Together<P extends Package> {
  readonly #source: SharedSource<P>;
  readonly #route: Route;
  readonly #events: SessionsEvents<P>;
  readonly #count: number;
  readonly #connector: SharedConnector;
  readonly #mute: MuteServers;
  readonly #runSession: RunSession<P>;
  readonly #ended: EndedSession[] = [];
  /** A session could not connect: another one would fare no better, and those that are connected can send the rest. */
  #refused = false;
  #connecting = 0;
  #connectingChanged = () => {};

  constructor(
    source: SharedSource<P>,
    route: Route,
    events: SessionsEvents<P>,
    { count, spread, mute }: SessionsOptions & { readonly mute: MuteServers },
    runSession: RunSession<P>,
  ) {
    this.#connector = new SharedConnector(route.connector, spread, mute);
    this.#mute = mute;
    const limits = { ...route.limits, window: windowFor(count) };
    this.#route = { ...route, connector: this.#connector, limits };
    this.#source = {
      count: (most) => source.count(most),
      hasMore: () => source.hasMore(),
      sourceFor: (session) => this.#watched(source.sourceFor(session)),
    };
    this.#events = events;
    this.#count = source.count(count);
    this.#runSession = runSession;
  }

  async run(): Promise<EndedSession[]> {
    const running: Promise<void>[] = [];
    while (running.length < this.#count && (running.length === 0 || this.#mayStart)) {
      running.push(this.#keepOne());
      while (this.#connecting === CONNECTING) await this.#whenConnectingChanges();
    }
    await Promise.all(running);
    return this.#ended;
  }

  get #mayStart(): boolean {
    const { signal, limit } = this.#route;
    return !this.#refused && !signal.aborted && limit?.leftMs !== 0 && this.#source.hasMore();
  }

  /** Runs a session, and another in its place if it breaks after it was of use. */
  async #keepOne(): Promise<void> {
    for (;;) {
      const { report, answered } = await this.#runOne();
      if (report === undefined) return;
      this.#ended.push(report);
      const broke = report.cause !== null && report.violations.length === 0;
      if (!broke || answered === 0 || !this.#mayStart) return;
      this.#events.onReplacing?.(report);
    }
  }

  /** @returns no report if the session was not needed: the others had sent everything before it was connected */
  async #runOne(): Promise<{ report: EndedSession | undefined; answered: number }> {
    let [answered, isConnecting] = [0, true];
    const connectingEnds = () => {
      if (isConnecting) this.#connecting--;
      isConnecting = false;
      this.#connectingChanged();
    };
    this.#connecting++;
    try {
      const report = await this.#runSession(this.#source, this.#route, {
        ...this.#events,
        onConnected: (server, session) => {
          connectingEnds();
          this.#events.onConnected?.(server, session);
        },
        onSettled: (pkg: P, deliveries: readonly Delivery[], session: SessionOfRun) => {
          if (deliveries[0]?.origin === "server") answered++;
          this.#events.onSettled(pkg, deliveries, session);
        },
      });
      if (isConnecting) this.#refused = true;
      else this.#mute.judge(report, answered);
      return { report, answered };
    } catch (error) {
      if (error !== NOT_NEEDED) throw error;
      return { report: undefined, answered };
    } finally {
      connectingEnds();
    }
  }

  /** When the source is empty, sessions that are still connecting have nothing to wait for. */
  #watched(packages: PackageSource<P>): PackageSource<P> {
    const watch = (next: IteratorResult<P, unknown>) => {
      if (next.done && !this.#source.hasMore()) this.#connector.stop();
      return next;
    };
    return {
      next: () => {
        const next = packages.next();
        return next instanceof Promise ? next.then(watch) : watch(next);
      },
    };
  }

  #whenConnectingChanges(): Promise<void> {
    return new Promise((resolve) => {
      this.#connectingChanged = resolve;
    });
  }
}

function windowFor(sessions: number): WindowLimits {
  const max = Math.max(MAX_OF_MANY, Math.floor(MAX_IN_ALL / sessions));
  return { min: MIN_IN_FLIGHT, max, horizonMs: HORIZON_MS, shared: true };
}
