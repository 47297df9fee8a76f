import { unlinkSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { systemCode } from "../errors.ts";
import { now } from "../io/clock.ts";

/**
 * After removing files for this many milliseconds, a thread is started for the rest: removing files takes the system
 * longer than everything else we ask of it. Starting the thread takes about as long.
 */
const DIRECT_MS = 50;
/** The thread answers after this many files, so that a caller waiting for room need not wait for the entire batch. */
const PIECE = 128;

/**
 * Removes files, and answers with undefined or the error's fields for each path, or with undefined if there was no error
 * at all. Paths come as one string if they can: it takes a tenth of the time of an array.
 */
const THREAD = `
  const { parentPort } = require("node:worker_threads");
  const { unlinkSync } = require("node:fs");
  function remove(path) {
    try {
      if (path !== undefined) unlinkSync(path);
    } catch ({ code, message }) {
      return { code, message };
    }
  }
  parentPort.on("message", (paths) => {
    const errors = (typeof paths === "string" ? paths.split("\\0") : paths).map(remove);
    parentPort.postMessage(errors.some((error) => error) ? errors : undefined);
  });
`;

interface Removal {
  /** Undefined if there is nothing to remove and only the order matters. */
  readonly path: string | Buffer | undefined;
  readonly done: (error: Error | undefined) => void;
}

/** Removes files in the order of the calls, while other messages are sent. */
export class Remover {
  /** Removals of this turn of the event loop. */
  #batch: Removal[] = [];
  /** Batches that the thread is working on. */
  #sent: Removal[][] = [];
  #started: Promise<Worker> | undefined;
  /** The thread while it works. Until then, and if it fails, files are removed without it. */
  #thread: Worker | undefined;
  /** Milliseconds that may still be spent before a thread is started. */
  #directMs: number;
  #pending = 0;
  #waiting: (() => void) | undefined;

  /** @param directMs how long to remove files before a thread is started */
  constructor(directMs = DIRECT_MS) {
    this.#directMs = directMs;
  }

  /** Calls not completed yet. */
  get pending(): number {
    return this.#pending;
  }

  /** @param done called later, when this file and all earlier ones have been removed or could not be */
  remove(path: string | Buffer, done: Removal["done"]): void {
    this.#add({ path, done });
  }

  /** @param done called later, when all earlier calls are completed */
  afterEarlier(done: () => void): void {
    this.#add({ path: undefined, done });
  }

  #add(removal: Removal): void {
    this.#pending++;
    if (this.#batch.push(removal) === 1) setImmediate(() => this.#handOver());
  }

  /** Resolves when at most this many files are pending. For one caller at a time. */
  async until(max: number): Promise<void> {
    while (this.#pending > max) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** Starts the thread; resolves when it works, and if it cannot be started. */
  async startThread(): Promise<void> {
    if (this.#thread !== undefined) return;
    this.#started ??= this.#start();
    try {
      const thread = await this.#started;
      await new Promise((resolve) => thread.once("online", resolve).once("exit", resolve));
    } catch {
      this.#started = undefined;
    }
  }

  async close(): Promise<void> {
    const thread = await this.#started?.catch(() => undefined);
    await thread?.terminate();
  }

  #handOver(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (this.#thread !== undefined) {
      this.#send(batch, this.#thread);
      return;
    }
    const startedAt = now();
    for (const removal of batch) this.#settle(removal, tryUnlink(removal.path));
    const before = this.#directMs;
    this.#directMs -= now() - startedAt;
    if (before > 0 && this.#directMs <= 0) this.startThread();
  }

  #send(batch: readonly Removal[], thread: Worker): void {
    for (let at = 0; at < batch.length; at += PIECE) {
      const piece = batch.slice(at, at + PIECE);
      this.#sent.push(piece);
      const paths = piece.map(({ path }) => path);
      thread.postMessage(paths.every((path) => typeof path === "string") ? paths.join("\0") : paths);
    }
  }

  async #start(): Promise<Worker> {
    const { Worker } = await import("node:worker_threads");
    const thread = new Worker(THREAD, {
      eval: true,
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
    });
    thread.on("online", () => {
      this.#thread = thread;
    });
    thread.on("message", (errors?: ({ code: string; message: string } | undefined)[]) => {
      const batch = this.#sent.shift() as Removal[];
      for (const [at, removal] of batch.entries()) {
        const error = errors?.[at];
        this.#settle(removal, error && Object.assign(new Error(error.message), { code: error.code }));
      }
    });
    // Out of memory, for example. The thread may have removed the files it was working on.
    thread.on("error", () => {
      this.#thread = undefined;
      for (const removal of this.#sent.splice(0).flat()) {
        const error = tryUnlink(removal.path);
        this.#settle(removal, systemCode(error) === "ENOENT" ? undefined : error);
      }
    });
    return thread;
  }

  #settle({ done }: Removal, error: Error | undefined): void {
    this.#pending--;
    done(error);
    this.#waiting?.();
  }
}

function tryUnlink(path: Removal["path"]): Error | undefined {
  try {
    if (path !== undefined) unlinkSync(path);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
