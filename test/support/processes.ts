import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { watch } from "./watchdog.ts";

export const LAUNCHER = new URL("../../bin/qmtp", import.meta.url).pathname;

export interface Finished {
  /** The exit code, or null after a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input; empty by default. */
  readonly input?: string | Buffer;
  /** Added to an environment without QMTP_* variables. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** What was started and has not ended, each with how to end it. */
const running = new Map<ChildProcess, () => void>();

/** Starts a program that ends with `stopAll` or with this process. */
export function start(file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(file, args, options);
  running.set(child, () => child.kill("SIGKILL"));
  const ended = child.pid === undefined ? () => {} : watch(child.pid, options.detached === true);
  child.once("exit", () => {
    running.delete(child);
    ended();
  });
  return child;
}

/** Starts a program that starts others: they form a group and end together. */
export function startGroup(file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = start(file, args, { ...options, detached: true });
  running.set(child, () => killGroup(child));
  return child;
}

/** Ends what `startGroup` started, at once. */
export function killGroup(child: ChildProcess): void {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (child.pid !== undefined && !ended) process.kill(-child.pid, "SIGKILL");
}

/** Ends everything tests have started; for `afterEach`, whether the test passed or not. */
export async function stopAll(): Promise<void> {
  const ended = [...running.keys()].map((child) => once(child, "exit"));
  for (const end of running.values()) end();
  await Promise.all(ended);
}

/** This process's environment, without what would change how the launchers behave. */
export function environment(added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // With NODE_EXTRA_CA_CERTS, every Node would parse certificates at start.
  const {
    QMTP_SERVER: _server,
    QMTP_FROM: _from,
    NO_COLOR: _colour,
    NODE_EXTRA_CA_CERTS: _certificates,
    ...env
  } = process.env;
  return { ...env, ...added };
}

/** How a run ends after a signal: of SIGINT it dies, so that a shell's loop ends; otherwise it exits. */
export function endedBy(signal: NodeJS.Signals, code = 111): Pick<Finished, "code" | "signal"> {
  return signal === "SIGINT" ? { code: null, signal } : { code, signal: null };
}

/** Starts the launcher, as a script would. */
export function startQmtp(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return start(process.execPath, [LAUNCHER, ...args], { ...options, env: environment(options.env) });
}

/** Runs the launcher to its end. */
export async function qmtp(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = startQmtp(args, { env: options.env ?? {}, cwd: options.cwd, stdio: "pipe" });
  // A command that never reads its input may exit before it is written.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  return finished(child);
}

/** Runs a shell command to its end; in it, `$QMTP` is the launcher. */
export async function shell(command: string, env: Record<string, string> = {}): Promise<Finished> {
  const child = startGroup("/bin/sh", ["-c", command], {
    env: environment({ QMTP: LAUNCHER, ...env }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  return finished(child);
}

/** Waits for a process and collects its output. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Resolves once a process has printed, from now on, a match of the pattern. */
export function printed(stream: Readable | null, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    const look = (chunk: Buffer) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match === null) return;
      stream?.off("data", look).off("close", giveUp);
      resolve(match);
    };
    const giveUp = () => reject(new Error(`${pattern} was never printed, only: ${text}`));
    stream?.on("data", look).once("close", giveUp);
  });
}

/** Lines of the sink without the client that each begins with: its port differs in every run. */
export function withoutClient(lines: string): string {
  return lines.replace(/^(?:client \d+|[\da-f.:]+ port \d+): /gm, "");
}

/** How the sink ended, with such lines. */
export async function endOfSink(done: Promise<Finished>): Promise<Finished> {
  const ended = await done;
  return { ...ended, stdout: withoutClient(ended.stdout) };
}

export interface RunningSink {
  /** In the form `--server` takes. */
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** The next line printed for a package, without the client. */
  nextLine(): Promise<string>;
  /** Resolves when it has exited; its lines are without the clients. */
  readonly done: Promise<Finished>;
  /** The same with the lines as they are. */
  readonly raw: Promise<Finished>;
  /** Stops it and waits for its exit. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

/** Starts `qmtp sink` on a free loopback port and waits until it listens. */
export async function startSink(args: readonly string[] = []): Promise<RunningSink> {
  const child = startQmtp(["sink", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const raw = finished(child);
  const done = endOfSink(raw);
  const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  const [, endpoint] = await printed(child.stderr, /listening on (\S+)\n/);
  return {
    endpoint: endpoint as string,
    child,
    nextLine: async () => withoutClient((await lines.next()).value),
    done,
    raw,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      return done;
    },
  };
}
