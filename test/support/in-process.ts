import { EventEmitter, once } from "node:events";
import fs from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { Readable, Writable } from "node:stream";
import tty from "node:tty";
import { compileFunction } from "node:vm";
import { onTestFinished } from "vitest";
import { endOfSink, environment, type Finished, type RunOptions, withoutClient } from "./processes.ts";

/*
 * Runs the launchers like processes.ts, but in this process: the build is evaluated with a fake `process`. A real
 * process takes far longer, which matters in tables of many rows. It is needed in tests of signals, descriptors,
 * memory, children and the exit of the process.
 */

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;
/** Commands that main.js loads from a file of their own. */
const TOOLS = "./tools.js";
const PIPE_BYTES = 65_536;

type Main = (launcher: string) => Promise<void>;
type Load = (path: string) => unknown;

type Evaluate = (
  ...args: [exports: object, require: Load, module: object, process: object, __dirname: string]
) => void;

function compile(filename: string): Evaluate {
  const parameters = ["exports", "require", "module", "process", "__dirname"];
  return compileFunction(fs.readFileSync(filename, "utf8"), parameters, { filename }) as Evaluate;
}

const load = createRequire(MAIN);
const evaluate = compile(MAIN);
const evaluateTools = compile(load.resolve(TOOLS));
const pipe = { isFile: () => false, isDirectory: () => false };
/** The descriptors of a connection or a refusal. In this process, Node uses them for itself. */
const CLOSED = [6, 7];
const terminals = { ...tty, isatty: () => false };

/** `node:fs` for a run, with this descriptor in place of descriptor 1. */
function filesWith(one: number) {
  const fstatSync = (fd: number, options?: fs.StatSyncOptions) => {
    if (fd === 0) return pipe;
    if (CLOSED.includes(fd)) throw new Error("EBADF");
    return fs.fstatSync(fd === 1 ? one : fd, options);
  };
  const readSync = (fd: number, ...rest: [Buffer, number, number, number | null]) =>
    fs.readSync(fd === 1 ? one : fd, ...rest);
  return { ...fs, fstatSync, readSync };
}

export interface RunHereOptions extends Omit<RunOptions, "cwd"> {
  /** An open file that the run reads as descriptor 1. */
  readonly one?: number;
}

/** Collects everything written to it. */
class Kept extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    this.emit("kept");
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

function piecesOf(input: string | Buffer): Buffer[] {
  const bytes = Buffer.from(input as string);
  const count = Math.ceil(bytes.length / PIPE_BYTES);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * PIPE_BYTES, (at + 1) * PIPE_BYTES));
}

/** The part of Node's `process` that the launchers use. */
class OwnProcess extends EventEmitter {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly pid = process.pid;
  readonly execPath = process.execPath;
  readonly stdin: Readable;
  readonly stdout = new Kept();
  readonly stderr = new Kept();
  readonly #files: object;
  exitCode = 0;

  constructor(launcher: string, args: readonly string[], { input = "", env = {}, one = 1 }: RunHereOptions) {
    super();
    this.#files = filesWith(one);
    this.argv = [process.execPath, launcher, ...args];
    this.env = environment(env);
    this.stdin = Readable.from(piecesOf(input), { objectMode: false });
  }

  kill(pid: number, signal: NodeJS.Signals): void {
    if (pid === this.pid) throw new Error(`${signal} would end the tests`);
    process.kill(pid, signal);
  }

  async run(launcher: string): Promise<Finished> {
    const module = { exports: {} as { main?: Main } };
    const own: Readonly<Record<string, object>> = { "node:fs": this.#files, "node:tty": terminals };
    const ownLoad: Load = (path) => {
      if (path !== TOOLS) return own[path] ?? load(path);
      const tools = { exports: {} };
      evaluateTools(tools.exports, ownLoad, tools, this, dirname(MAIN));
      return tools.exports;
    };
    evaluate(module.exports, ownLoad, module, this, dirname(MAIN));
    await module.exports.main?.(launcher);
    return { code: this.exitCode, signal: null, stdout: this.stdout.text, stderr: this.stderr.text };
  }
}

/** Runs a launcher to its end. */
export function launch(
  launcher: string,
  args: readonly string[],
  options: RunHereOptions = {},
): Promise<Finished> {
  return new OwnProcess(launcher, args, options).run(launcher);
}

/** Runs `qmtp` to its end. */
export function qmtp(args: readonly string[], options: RunHereOptions = {}): Promise<Finished> {
  return launch("qmtp", args, options);
}

export interface SinkHere {
  /** In the form `--server` takes. */
  readonly endpoint: string;
  /** The next line printed for a package, without the client. */
  nextLine(): Promise<string>;
  /** Resolves when it exits by itself. */
  readonly done: Promise<Finished>;
  /** Stops it as SIGTERM does, and waits for its exit. */
  stop(): Promise<Finished>;
}

/** Starts `qmtp sink` on a free loopback port and waits until it listens. It ends with the test. */
export async function startSink(args: readonly string[] = []): Promise<SinkHere> {
  const sink = new OwnProcess("qmtp", ["sink", "--listen", "127.0.0.1:0", ...args], {});
  const done = endOfSink(sink.run("qmtp"));
  const stop = () => {
    if (sink.listenerCount("SIGTERM") > 0) sink.emit("SIGTERM", "SIGTERM");
    sink.removeAllListeners();
    return done;
  };
  onTestFinished(() => void stop());
  const listening = () => /listening on (\S+)\n/.exec(sink.stderr.text)?.[1];
  while (listening() === undefined) {
    const ended = await Promise.race([once(sink.stderr, "kept"), done]);
    if ("code" in ended) throw new Error(`the sink does not listen: ${ended.stderr}`);
  }
  let read = 0;
  const nextLine = async () => {
    const at = read++;
    for (;;) {
      const lines = sink.stdout.text.split("\n").slice(0, -1);
      if (lines.length > at) return withoutClient(lines[at] as string);
      await once(sink.stdout, "kept");
    }
  };
  return { endpoint: listening() as string, nextLine, done, stop };
}
