import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { CommandError, reason } from "../errors.ts";
import { spawn } from "../subprocess.ts";
import type { Route } from "./connector.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { Pair } from "./pair.ts";

/** What a server has to end by itself once its input is closed, and then after SIGTERM, in milliseconds. */
const LEAVE_MS = 1_000;
/** A server whose output has ended is as good as gone; how it went is known within so many milliseconds. */
const EXIT_MS = 200;
/** Longer lines of its standard error are told in pieces of so many bytes. */
const LINE = 2_000;

/**
 * What qmail-qmtpd and others want to know of the connection (tcp-environ(5) of ucspi-tcp): it comes from this
 * host. What was inherited would speak of another connection; a command may set its own.
 */
const TCP_ENVIRONMENT = {
  PROTO: "TCP",
  TCPLOCALHOST: "localhost",
  TCPLOCALIP: "127.0.0.1",
  TCPLOCALPORT: "209",
  TCPREMOTEHOST: "localhost",
  TCPREMOTEIP: "127.0.0.1",
  TCPREMOTEPORT: "0",
  TCPREMOTEINFO: undefined,
};

type ServerProcess = ChildProcessByStdio<Writable, Readable, Readable>;
export type ServerRoute = Pick<Route, "env" | "groups" | "signalGroup" | "tell">;

/**
 * Starts a server through the shell, and connects to its standard input and output. It has a process group of its
 * own, of which nothing is left soon after the connection is destroyed, or at once if the signal is aborted.
 * @throws {CommandError} connect-failed
 */
export async function startServer(
  endpoint: Endpoint & { readonly kind: "exec" },
  route: ServerRoute,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  const child = spawn("/bin/sh", ["-c", endpoint.command], {
    env: { ...route.env, ...TCP_ENVIRONMENT },
    stdio: "pipe",
    detached: true,
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    const message = `cannot start ${formatEndpoint(endpoint)}: ${reason(error)}`;
    throw new CommandError(message, { code: "connect-failed", cause: error });
  }
  return new ServerChild(child, route, signal).connection;
}

/** A server's process, from its start until nothing is left of it. */
class ServerChild {
  readonly connection: Duplex;
  readonly #child: ServerProcess;
  readonly #route: ServerRoute;
  readonly #signal: AbortSignal;
  readonly #exited: Promise<unknown>;
  readonly #silent: Promise<unknown>;

  constructor(child: ServerProcess, route: ServerRoute, signal: AbortSignal) {
    this.#child = child;
    this.#route = route;
    this.#signal = signal;
    route.groups.add(child.pid as number);
    // Neither can fail but together with the connection, which is told of it.
    this.#exited = once(child, "exit").catch(() => {});
    this.#silent = once(child.stderr, "close").catch(() => {});
    void tellLines(child.stderr, route.tell);
    this.connection = new Pair(child.stdout, child.stdin, {
      atEnd: () => this.#howItEnded(),
      onDestroyed: () => void this.#leave(),
    });
  }

  /** How a server went tells more than that its output ended, unless it went in order. */
  async #howItEnded(): Promise<Error | null> {
    await within(EXIT_MS, this.#exited);
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return new Error(`the server was ended by ${signalCode}`);
    return exitCode ? new Error(`the server ended with exit code ${exitCode}`) : null;
  }

  /** Its input is closed. What it does not do by itself, it is made to do; so are those whom it has started. */
  async #leave(): Promise<void> {
    await within(LEAVE_MS, this.#exited, this.#signal);
    this.#tellGroup("SIGTERM");
    await within(LEAVE_MS, this.#exited);
    this.#tellGroup("SIGKILL");
    this.#route.groups.delete(this.#child.pid as number);
    // Whoever left the group may hold on to standard error, and must not hold on to us.
    await within(EXIT_MS, this.#silent);
    this.#child.stderr.destroy();
  }

  #tellGroup(signal: NodeJS.Signals): void {
    this.#route.signalGroup(this.#child.pid as number, signal);
  }
}

/** Resolves when something has happened, or never will in so many milliseconds, or nobody waits any longer. */
async function within(ms: number, happened: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  let giveUp = () => {};
  const late = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const timer = setTimeout(giveUp, ms);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  await Promise.race([happened, late]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", giveUp);
}

/** Lines are told one after the other; what comes faster than it is told waits where it comes from. */
async function tellLines(stream: Readable, tell: Route["tell"]): Promise<void> {
  const marked = (line: string) => Buffer.from(`server: ${line}`, "latin1");
  let rest = "";
  stream.setEncoding("latin1");
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (; rest.length > LINE; rest = rest.slice(LINE)) lines.push(rest.slice(0, LINE));
      await tell(lines.map(marked));
    }
  } catch {
    // It is closed while somebody still holds its other end.
  }
  if (rest !== "") await tell([marked(rest)]);
}
