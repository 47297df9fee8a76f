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
  /** Variables to add to an environment without QMTP_* variables. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Everything that was started and has not ended, with a function that ends it. */
const running = new Map<ChildProcess, () => void>();

/** Starts a program. `stopAll` ends it, as does the end of this process. */
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

/** Starts a program that starts others. They form a process group, and end together. */
export function startGroup(file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = start(file, args, { ...options, detached: true });
  running.set(child, () => killGroup(child));
  return child;
}

/** Kills a group that `startGroup` started. */
export function killGroup(child: ChildProcess): void {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (child.pid !== undefined && !ended) process.kill(-child.pid, "SIGKILL");
}

/** For `afterEach`: ends everything that the test has started. */
export async function stopAll(): Promise<void> {
  const ended = [...running.keys()].map((child) => once(child, "exit"));
  for (const end of running.values()) end();
  await Promise.all(ended);
}

/** This process's environment, without variables that change how the launchers behave. */
export function environment(added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // With NODE_EXTRA_CA_CERTS, each Node would parse certificates when it starts.
  const {
    QMTP_SERVER: _server,
    QMTP_FROM: _from,
    NO_COLOR: _colour,
    NODE_EXTRA_CA_CERTS: _certificates,
    ...env
  } = process.env;
  return { ...env, ...added };
}

/** How a run ends after a signal: it dies of SIGINT, so that a shell's loop ends, and exits after others. */
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
  // A command that does not read its input may exit before that is written.
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

/** Removes the client, whose port differs in every run, from the start of the sink's lines. */
export function withoutClient(lines: string): string {
  return lines.replace(/^(?:client \d+|[\da-f.:]+ port \d+): /gm, "");
}

/** The sink's end, with the clients removed from its lines. */
export async function endOfSink(done: Promise<Finished>): Promise<Finished> {
  const ended = await done;
  return { ...ended, stdout: withoutClient(ended.stdout) };
}

export interface RunningSink {
  /** In the form that `--server` accepts. */
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** The next line printed for a package, without the client. */
  nextLine(): Promise<string>;
  /** Resolves when the sink has exited, with the clients removed from its lines. */
  readonly done: Promise<Finished>;
  /** The same with unchanged lines. */
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
