import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import { QmtpError, reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { Environment } from "../io/environment.ts";

import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { Pair } from "./pair.ts";

/** Milliseconds that a server has to exit once its input is closed, and again after SIGTERM. */
const EXIT_GRACE_MS = 1_000;
/** Milliseconds to wait for the exit code of a server whose output has ended: it is about to exit. */
const EXIT_CODE_MS = 200;
/** Bytes after which a line on the server's standard error is split. */
const MAX_LINE = 2_000;

/**
 * What qmail-qmtpd and others expect to know about the connection (tcp-environ(5) of ucspi-tcp): it comes from this
 * host. Inherited variables would describe another connection. The endpoint's command may override these.
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
  /** Process groups that we started, and that must not outlive us. */
  readonly groups: Set<number>;
  /** Sends a signal to all processes of a group; the group may have exited. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
  /** Prints lines to standard error, even if the user asked for quiet: a server's standard error, for example. */
  readonly sayAll: (lines: readonly (string | Buffer)[]) => Promise<void>;
}

/**
 * Starts a server through the shell, and connects to its standard input and output. The server gets its own process
 * group, which is killed soon after the connection is destroyed, or at once when the signal is aborted.
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

/** A server's process, from its start until its process group has exited. */
class ServerChild {
  readonly connection: Duplex;
  readonly #child: ServerProcess;
  readonly #options: ServerOptions;
  readonly #signal: AbortSignal;
  readonly #exited: Promise<unknown>;
  readonly #stderrClosed: Promise<unknown>;

  constructor(child: ServerProcess, options: ServerOptions, signal: AbortSignal) {
    this.#child = child;
    this.#options = options;
    this.#signal = signal;
    options.groups.add(child.pid as number);
    // If these fail, the connection fails too, and reports it.
    this.#exited = once(child, "exit").catch(() => {});
    this.#stderrClosed = once(child.stderr, "close").catch(() => {});
    void sayLines(child.stderr, options.sayAll);
    this.connection = new Pair(child.stdout, child.stdin, {
      atEnd: () => this.#exitError(),
      onDestroyed: () => void this.#shutDown(),
    });
  }

  /** The server's exit code or signal, if it failed: that says more than the end of its output. */
  async #exitError(): Promise<Error | null> {
    await within(EXIT_CODE_MS, this.#exited);
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return new Error(`the server was killed by ${signalCode}`);
    return exitCode ? new Error(`the server ended with exit code ${exitCode}`) : null;
  }

  /** The server's input is closed. Signals the group unless the server and its children exit by themselves. */
  async #shutDown(): Promise<void> {
    await within(EXIT_GRACE_MS, this.#exited, this.#signal);
    this.#signalGroup("SIGTERM");
    await within(EXIT_GRACE_MS, this.#exited);
    this.#signalGroup("SIGKILL");
    this.#options.groups.delete(this.#child.pid as number);
    // A process that left the group may keep standard error open; do not wait for it.
    await within(EXIT_CODE_MS, this.#stderrClosed);
    this.#child.stderr.destroy();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    this.#options.signalGroup(this.#child.pid as number, signal);
  }
}

/** Resolves when the event has happened, time is up, or the signal is aborted. */
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

/** Prints the server's lines. A server that writes faster than they are printed has to wait. */
async function sayLines(stream: Readable, sayAll: ServerOptions["sayAll"]): Promise<void> {
  const marked = (line: string) => Buffer.from(`server: ${line}`, "latin1");
  let rest = "";
  stream.setEncoding("latin1");
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) lines.push(rest.slice(0, MAX_LINE));
      await sayAll(lines.map(marked));
    }
  } catch {
    // We closed it while a process still had its other end open.
  }
  if (rest !== "") await sayAll([marked(rest)]);
}
