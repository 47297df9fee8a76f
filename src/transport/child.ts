import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { QmtpError, reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { Environment } from "../io/environment.ts";

import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { Pair } from "./pair.ts";

/** How long a server may take to exit once its input is closed, and then after SIGTERM, in milliseconds. */
const LEAVE_MS = 1_000;
/** A server whose output has ended is about to exit: how long to wait for its exit code, in milliseconds. */
const EXIT_MS = 200;
/** Longer lines on its standard error are split into pieces of this many bytes. */
const MAX_LINE = 2_000;

/**
 * What qmail-qmtpd and others want to know about the connection (tcp-environ(5) of ucspi-tcp): it comes from this
 * host. Inherited variables would describe another connection. The endpoint's command may set its own.
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

export interface ServerOptions {
  readonly env: Environment;
  /** Process groups that we started and that must not outlive us. */
  readonly groups: Set<number>;
  /** Sends a signal to all processes of a group; the group may have exited. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
  /** Shows lines to people, however little they asked to see: a server's standard error, for example. */
  readonly tell: (lines: readonly (string | Buffer)[]) => Promise<void>;
}

/**
 * Starts a server through the shell, and connects to its standard input and output. It gets its own process group,
 * which is killed soon after the connection is destroyed, or at once if the signal is aborted.
 * @throws {QmtpError} connect-failed
 */
export async function startServer(
  endpoint: Endpoint & { readonly kind: "exec" },
  options: ServerOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  const child = spawn("/bin/sh", ["-c", endpoint.command], {
    env: { ...options.env, ...TCP_ENVIRONMENT },
    stdio: "pipe",
    detached: true,
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    const message = `cannot start ${formatEndpoint(endpoint)}: ${reason(error)}`;
    throw new QmtpError("connect-failed", message, { fault: "local", cause: error });
  }
  return new ServerChild(child, options, signal).connection;
}

/** A server's process, from its start until its whole group has exited. */
class ServerChild {
  readonly connection: Duplex;
  readonly #child: ServerProcess;
  readonly #options: ServerOptions;
  readonly #signal: AbortSignal;
  readonly #exited: Promise<unknown>;
  readonly #silent: Promise<unknown>;

  constructor(child: ServerProcess, options: ServerOptions, signal: AbortSignal) {
    this.#child = child;
    this.#options = options;
    this.#signal = signal;
    options.groups.add(child.pid as number);
    // If these fail, so does the connection, which reports it.
    this.#exited = once(child, "exit").catch(() => {});
    this.#silent = once(child.stderr, "close").catch(() => {});
    void tellLines(child.stderr, options.tell);
    this.connection = new Pair(child.stdout, child.stdin, {
      atEnd: () => this.#howItEnded(),
      onDestroyed: () => void this.#leave(),
    });
  }

  /** If it failed, its exit code or signal says more than the end of its output. */
  async #howItEnded(): Promise<Error | null> {
    await within(EXIT_MS, this.#exited);
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return new Error(`the server was killed by ${signalCode}`);
    return exitCode ? new Error(`the server ended with exit code ${exitCode}`) : null;
  }

  /** Its input is closed. If it and the processes that it started do not exit by themselves, signals make them. */
  async #leave(): Promise<void> {
    await within(LEAVE_MS, this.#exited, this.#signal);
    this.#tellGroup("SIGTERM");
    await within(LEAVE_MS, this.#exited);
    this.#tellGroup("SIGKILL");
    this.#options.groups.delete(this.#child.pid as number);
    // A process that left the group may keep standard error open; we do not wait for it.
    await within(EXIT_MS, this.#silent);
    this.#child.stderr.destroy();
  }

  #tellGroup(signal: NodeJS.Signals): void {
    this.#options.signalGroup(this.#child.pid as number, signal);
  }
}

/** Resolves when the event has happened, the time is over, or the signal is aborted. */
async function within(ms: number, event: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  let giveUp = () => {};
  const late = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const timer = setTimeout(giveUp, ms);
  const stopListening = onAbort(signal, giveUp);
  await Promise.race([event, late]);
  clearTimeout(timer);
  stopListening();
}

/** Passes lines on at the pace of their reader; a server that writes faster has to wait. */
async function tellLines(stream: Readable, tell: ServerOptions["tell"]): Promise<void> {
  const marked = (line: string) => Buffer.from(`server: ${line}`, "latin1");
  let rest = "";
  stream.setEncoding("latin1");
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) lines.push(rest.slice(0, MAX_LINE));
      await tell(lines.map(marked));
    }
  } catch {
    // We closed it while a process still held its other end.
  }
  if (rest !== "") await tell([marked(rest)]);
}
