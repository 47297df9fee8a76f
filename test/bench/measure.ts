import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const QMTP = join(process.cwd(), "bin/qmtp");
/** A script of this bench. */
export const built = (name: string) => join(process.cwd(), "test/bench/.built", `${name}.js`);

export interface Run {
  readonly ms: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without NODE_EXTRA_CA_CERTS: Node would parse certificates at each start, which hides the program's own time. */
const { NODE_EXTRA_CA_CERTS: _certificates, ...ENVIRONMENT } = process.env;

/** Where descriptor 1 goes; a number is one of our own descriptors. */
type Output = "pipe" | "ignore" | number;

/** Runs a node script to its end; gives its time in milliseconds and its output. */
export function run(args: readonly string[], input?: string, output?: Output): Promise<Run> {
  return runProgram(process.execPath, args, input, output);
}

/** Runs any program the same way. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input?: string,
  output: Output = "pipe",
): Promise<Run> {
  const stdin = input === undefined ? "ignore" : openSync(input, "r");
  const startedAt = performance.now();
  const child = spawn(program, args, { env: ENVIRONMENT, stdio: [stdin, output, "pipe"] });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, "close");
  const ms = performance.now() - startedAt;
  if (typeof stdin === "number") closeSync(stdin);
  return { ms, code, stdout: await stdout, stderr: await stderr };
}

/** @throws if the program failed */
export async function check(running: Promise<Run>): Promise<Run> {
  const result = await running;
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}`);
  return result;
}

/** Peak memory of a node script in MiB, as the median of three runs. */
export async function peakMiB(
  args: readonly string[],
  input?: string,
  { output = "pipe", before = () => {} }: { output?: Output; before?: () => void } = {},
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "qmtp-bench-"));
  const hook = join(folder, "peak.cjs");
  writeFileSync(hook, "process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS));");
  const peaks: number[] = [];
  for (let time = 0; time < 3; time++) {
    before();
    const { stderr } = await check(run(["-r", hook, ...args], input, output));
    peaks.push(Number(/peak (\d+)/.exec(stderr)?.[1]) / 1_024);
  }
  rmSync(folder, { recursive: true });
  return median(peaks);
}

async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  if (stream === null) return "";
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(String(piece));
  return pieces.join("");
}

export interface Server {
  readonly port: string;
  stop(): Promise<void>;
}

/** Starts a node script that prints the port it listens on, and ends with its standard input or on SIGTERM. */
export function serve(args: readonly string[]): Promise<Server> {
  return serveProgram(process.execPath, args);
}

/** The same for any program. */
export async function serveProgram(program: string, args: readonly string[] = []): Promise<Server> {
  const child = spawn(program, args, { env: ENVIRONMENT, stdio: ["pipe", "pipe", "pipe"] });
  const port = await firstNumber(child);
  child.stdout.resume();
  child.stderr.resume();
  return {
    port,
    stop: async () => {
      child.stdin.end();
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}

function firstNumber(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      const port = /(\d+)\s*$/.exec(String(chunk))?.[1];
      if (port !== undefined) resolve(port);
    };
    child.stdout?.once("data", look);
    child.stderr?.once("data", look);
    child.once("close", () => reject(new Error("a server of the bench did not start")));
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/** Alternates two runs, so that a drift in the machine's speed affects both alike. */
export async function inTurn(
  times: number,
  one: () => Promise<number>,
  other: () => Promise<number>,
): Promise<{ one: number; other: number }> {
  const results: [number[], number[]] = [[], []];
  for (let time = -1; time < times; time++) {
    const pair = [await one(), await other()] as const;
    // The first round is a warm-up.
    if (time < 0) continue;
    results[0].push(pair[0]);
    results[1].push(pair[1]);
  }
  return { one: median(results[0]), other: median(results[1]) };
}
