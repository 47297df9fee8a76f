import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const LAUNCHER = new URL("../bin/qmtp", import.meta.url).pathname;

export interface Finished {
  /** The exit code, or null after a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input; without it, it is empty. */
  readonly input?: string | Buffer;
  /** Added to an environment without QMTP_* variables. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Starts the launcher, as a script would. */
export function startQmtp(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const { QMTP_SERVER: _server, QMTP_FROM: _from, NO_COLOR: _colour, ...env } = process.env;
  return spawn(process.execPath, [LAUNCHER, ...args], { ...options, env: { ...env, ...options.env } });
}

/** Runs the launcher to its end. */
export async function qmtp(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = startQmtp(args, { env: options.env ?? {}, cwd: options.cwd, stdio: "pipe" });
  // A command that never reads its input may be gone before it is written.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");
  return finished(child);
}

/** Waits for a process, and gathers what it prints. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  const [code, signal] = await once(child, "close");
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

export interface RunningSink {
  /** As `--server` takes it. */
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** The next line that it prints for a package. */
  nextLine(): Promise<string>;
  /** Stops it, and waits for its end. */
  stop(): Promise<Finished>;
}

/** Starts `qmtp sink` on a free port of the loopback, and waits until it listens. */
export async function startSink(args: readonly string[] = []): Promise<RunningSink> {
  const child = startQmtp(["sink", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const done = finished(child);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const endpoint = await listening(child);
  return {
    endpoint,
    child,
    nextLine: async () => (await lines.next()).value as string,
    stop: async () => {
      child.kill("SIGTERM");
      return done;
    },
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk;
      const endpoint = /listening on (\S+)\n/.exec(text)?.[1];
      if (endpoint !== undefined) resolve(endpoint);
    });
    child.once("close", () => reject(new Error(`the sink did not start: ${text}`)));
  });
}
