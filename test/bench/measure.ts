import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";

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
export async function serve(args: readonly string[]): Promise<Server> {
  const child = spawn(process.execPath, args, { env: ENVIRONMENT, stdio: ["pipe", "pipe", "pipe"] });
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
