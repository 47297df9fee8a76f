import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { type SessionReport, sendPackages } from "../client/deliver.ts";
import type { Route } from "../client/route.ts";
import { interruption, type QmtpError } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { now } from "../io/clock.ts";
import { pause } from "../io/pause.ts";
import { type Delivery, deferralFor } from "../protocol/delivery.ts";
import { type Server, unreached } from "../transport/connector.ts";
import type { Plan } from "./plan.ts";
import type { BenchProgress, BenchResult } from "./result.ts";
import { Schedule, type TimedPackage } from "./schedule.ts";
import { Source } from "./source.ts";
import { Tally } from "./tally.ts";

/** A session that gets no response waits, connects again, and is given up after this many connections more. */
const RETRIES = 3;
/** Doubles each time. */
const FIRST_PAUSE_MS = 100;

/** What came of one session. */
interface Sent extends Pick<SessionReport, "cause"> {
  readonly connected: boolean;
  /** Packages with all of their responses. */
  readonly answered: number;
  readonly lost: number;
}

/** Sends packages as planned, and measures. Never rejects because of the server or the network. */
export class Bench {
  readonly #plan: Plan;
  readonly #route: Route;
  readonly #schedule: Schedule;
  readonly #tally = new Tally();
  readonly #sources = new Set<Source>();
  /** Sessions that have neither connected nor failed to. */
  #connecting: number;
  #connections = 0;
  #lostSessions = 0;
  #server: Server | undefined;
  /** The last error of a session that was given up. */
  #error: QmtpError | null = null;
  #busySince: ReturnType<typeof performance.eventLoopUtilization> | undefined;
  #clientBusy = 0;

  constructor(plan: Plan, route: Route) {
    this.#plan = plan;
    this.#route = route;
    this.#schedule = new Schedule(plan);
    this.#connecting = plan.sessions;
  }

  get progress(): BenchProgress {
    let inFlight = 0;
    for (const source of this.#sources) inFlight += source.inFlight.size;
    const { answered, counts } = this.#tally;
    const measuring = this.#busySince !== undefined;
    return {
      phase: measuring ? "measuring" : this.#schedule.started ? "warming up" : "connecting",
      connections: this.#connections,
      answered,
      inFlight,
      failures: counts.deferral + counts.failure,
    };
  }

  async run(): Promise<BenchResult> {
    const { signal, endpoints } = this.#route;
    // Each session listens. Node would take more than ten for a leak.
    setMaxListeners(0, signal);
    const stopListening = onAbort(signal, () => this.#schedule.end());
    await Promise.all(Array.from({ length: this.#plan.sessions }, () => this.#keepSending()));
    stopListening();
    const { lastAt, answered } = this.#tally;
    const { unsent } = this.#schedule;
    this.#schedule.end();
    return {
      plan: this.#plan,
      server: this.#server ?? unreached(endpoints),
      tally: this.#tally,
      elapsedMs: answered === 0 ? 0 : lastAt - this.#schedule.measuredFrom,
      clientBusy: this.#clientBusy,
      connections: this.#connections,
      unsent,
      lostSessions: this.#lostSessions,
      error: signal.aborted ? interruption(signal) : this.#error,
    };
  }

  /** One session after the other, until the run is over or there is no use. */
  async #keepSending(): Promise<void> {
    let first = true;
    let fruitless = 0;
    while (first || !this.#schedule.over) {
      const { cause, answered, lost, connected } = await this.#send(first);
      const neverConnected = first && !connected;
      first = false;
      // A session without a package to send may end as idle.
      if (cause === null || (connected && lost === 0 && cause.error.code === "no-progress")) continue;
      fruitless = answered > 0 ? 1 : fruitless + 1;
      // A server that says nothing would take as long again.
      const mute = answered === 0 && cause.error.code === "no-progress";
      if (neverConnected || mute || fruitless > RETRIES) {
        this.#lostSessions++;
        this.#error = cause.error;
        return;
      }
      if (this.#schedule.over) return;
      await pause(FIRST_PAUSE_MS * 2 ** (fruitless - 1), this.#route.signal);
    }
  }

  /** @param first whether the others wait for this connection before they begin */
  async #send(first: boolean): Promise<Sent> {
    const source = new Source(this.#schedule, this.#plan);
    this.#sources.add(source);
    let [answered, lost, connected] = [0, 0, false];
    const report = await sendPackages(source, this.#route, {
      onConnected: (server) => {
        connected = true;
        this.#connections++;
        this.#server ??= server;
        if (first) this.#isConnected();
      },
      onSettled: (pkg, deliveries) => {
        if (deliveries.every(({ origin }) => origin === "server")) answered++;
        else {
          lost++;
          // The session is over: what it is given now would never be sent.
          source.close();
        }
        this.#settled(pkg, deliveries);
        source.settled(pkg);
        // Not at the end of the session, which may still wait for the server to close the connection.
        if (this.#schedule.over || lost > 0) this.#measureBusy();
      },
    });
    source.close();
    this.#sources.delete(source);
    for (const pkg of source.inFlight) this.#settled(pkg, neverSent(pkg));
    this.#note(report, connected);
    if (first && !connected) this.#isConnected();
    return { cause: report.cause, answered, lost, connected };
  }

  #settled(pkg: TimedPackage, deliveries: readonly Delivery[]): void {
    if (pkg.measured) this.#tally.add(pkg, deliveries, now(), this.#schedule.measuredFrom);
  }

  #note({ cause, violations, timing }: SessionReport, connected: boolean): void {
    const tally = this.#tally;
    if (timing.connectMs !== null) tally.connect.record(timing.connectMs);
    tally.addViolations(violations);
    if (cause === null || cause.error.code === "interrupted") return;
    if (connected) tally.brokenConnections++;
    else tally.failedConnections++;
    tally.addError(cause.error);
  }

  /** The load begins when every session has connected, or has failed to. */
  #isConnected(): void {
    if (--this.#connecting > 0) return;
    if (this.#connections === 0) this.#schedule.end();
    else this.#schedule.start(() => this.#beginMeasuring());
  }

  #beginMeasuring(): void {
    this.#busySince = performance.eventLoopUtilization();
  }

  #measureBusy(): void {
    if (this.#busySince === undefined) return;
    this.#clientBusy = performance.eventLoopUtilization(this.#busySince).utilization;
  }
}

/** For a package that a session was given in the moment when it ended. */
function neverSent({ recipients }: TimedPackage): readonly Delivery[] {
  return recipients.map((recipient) => deferralFor(recipient, Buffer.alloc(0), undefined));
}
