import { setMaxListeners } from "node:events";
import { now } from "../io/clock.ts";
import type { Package } from "../protocol/package.ts";
import { unreached } from "../transport/connector.ts";
import { sendPackages } from "./deliver.ts";
import { MuteServers } from "./mute-servers.ts";
import type { Route } from "./route.ts";
import type { EndedSession, SessionsEvents, SessionsOptions, SharedSource } from "./sessions-contract.ts";
import { Together } from "./together.ts";

/** Sends packages over one or more sessions at a time, and numbers the sessions of a run. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #mute = new MuteServers();
  #begun = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get most(): number {
    return this.#options.count;
  }

  /**
   * Sends what the source has. Never rejects because of the server or the network. Returns when all sessions are over;
   * packages that none of them took are left to the caller.
   */
  async send<P extends Package>(
    source: SharedSource<P>,
    route: Route,
    events: SessionsEvents<P>,
  ): Promise<EndedSession[]> {
    if (this.most === 1) return [await this.#runSession(source, route, events)];
    // Each session listens to the signal.
    setMaxListeners(0, route.signal);
    const runSession = (...one: [SharedSource<P>, Route, SessionsEvents<P>]) => this.#runSession(...one);
    const options = { ...this.#options, mute: this.#mute };
    return new Together(source, route, events, options, runSession).run();
  }

  async #runSession<P extends Package>(
    source: SharedSource<P>,
    route: Route,
    { onSettled, onConnecting, onConnected, onProgress, onSessionEnd }: SessionsEvents<P>,
  ): Promise<EndedSession> {
    const number = ++this.#begun;
    const session = { number, startedAt: now(), server: unreached(route.endpoints), ended: false };
    const observer = this.most === 1 ? route.observer : observerOf(route, number);
    onConnecting?.(session);
    try {
      const report = await sendPackages(
        source.sourceFor(session),
        { ...route, observer },
        {
          onSettled: (pkg, deliveries) => onSettled(pkg, deliveries, session),
          onConnected: (server) => {
            session.server = server;
            onConnected?.(server, session);
          },
          onProgress: onProgress && ((bytes) => onProgress(bytes, session)),
        },
      );
      session.server = report.server;
      onSessionEnd?.(report, session);
      return { ...report, session };
    } finally {
      session.ended = true;
    }
  }
}

function observerOf({ observer }: Route, number: number): Route["observer"] {
  return observer?.forSession === undefined && number > 1
    ? undefined
    : (observer?.forSession?.(number) ?? observer);
}
