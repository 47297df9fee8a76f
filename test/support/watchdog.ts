import { spawn } from "node:child_process";
import type { Socket } from "node:net";

export const WATCHDOG = new URL("watchdog.sh", import.meta.url).pathname;

let pipe: Socket | undefined;

/** Ends a child, or the group that it leads, even if this process is killed. Call the result when it has ended. */
export function watch(pid: number, isGroup: boolean): () => void {
  pipe ??= startWatchdog();
  const id = isGroup ? -pid : pid;
  pipe.write(`+ ${id}\n`);
  return () => pipe?.write(`- ${id}\n`);
}

function startWatchdog(): Socket {
  // In its own group, so that an interrupt from the terminal does not reach it.
  const child = spawn("/bin/sh", [WATCHDOG], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.unref();
  const stdin = child.stdin as Socket;
  stdin.unref();
  return stdin;
}

// A vitest worker whose parent was killed would run its tests to the end.
process.once("disconnect", () => process.exit(1));
