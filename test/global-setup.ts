import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const WATCH_EVERY_MS = 500;

/** The launchers run the build, so tests run what is published. */
export function setup(): void {
  execFileSync("npm", ["run", "-s", "build"], { stdio: "inherit" });
  if (process.env.npm_lifecycle_event !== undefined) endWithNpm();
}

/** npm does not stop us when it is stopped: its signal reaches only the shell between us. */
function endWithNpm(): void {
  const before = String(parents());
  setInterval(() => {
    if (String(parents()) !== before) process.kill(process.pid, "SIGTERM");
  }, WATCH_EVERY_MS).unref();
}

/** The shell that npm started, and npm itself, if /proc is available. */
function parents(): number[] {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "latin1");
    return [process.ppid, Number(/\) \S (\d+) /.exec(stat)?.[1])];
  } catch {
    return [process.ppid];
  }
}
