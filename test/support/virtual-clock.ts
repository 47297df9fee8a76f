import type { ChildProcess } from "node:child_process";
import { environment, LAUNCHER, start } from "./processes.ts";

const CLOCK = new URL("virtual-clock.cjs", import.meta.url).pathname;

/** A program whose clock the test controls. */
export interface Timeless {
  readonly child: ChildProcess;
  /** Advances the clock by some milliseconds. Returns the time left on each timer, shortest first. */
  pass(ms: number): Promise<number[]>;
}

/** Starts the launcher with pipes on descriptors up to this one; the clock uses 3. */
export function startTimeless(args: readonly string[], lastDescriptor = 2): Timeless {
  const child = start(process.execPath, ["--require", CLOCK, LAUNCHER, ...args], {
    env: environment({ TCPREMOTEIP: undefined }),
    stdio: ["pipe", "pipe", "pipe", "ipc", ...Array<"pipe">(Math.max(0, lastDescriptor - 3)).fill("pipe")],
  });
  const pass = (ms: number) =>
    new Promise<number[]>((resolve, reject) => {
      const ended = () => reject(new Error("the program has ended"));
      child.once("exit", ended);
      child.once("message", (left) => {
        child.off("exit", ended);
        resolve(left as number[]);
      });
      child.send(ms);
    });
  return { child, pass };
}
