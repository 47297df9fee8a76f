import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Marks the processes of one test: every child inherits it. */
export interface Mark {
  /** To add to the environment of processes. */
  readonly env: Record<string, string>;
  /** Waits until no marked process is left, or none has exited for a while. Returns their command lines. */
  left(): Promise<string[]>;
}

const TRIES = 100;

export function newMark(): Mark {
  const value = randomBytes(12).toString("hex");
  const variable = Buffer.from(`QMTP_TEST_MARK=${value}\0`);
  return {
    env: { QMTP_TEST_MARK: value },
    left: async () => {
      let found = bearers(variable);
      // The signal was sent, but the system may take a moment to end the processes.
      for (let tries = 0; found.length > 0 && tries < TRIES; tries++) {
        await pause(10);
        found = bearers(variable);
      }
      return found;
    },
  };
}

function bearers(variable: Buffer): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => contentOf(`/proc/${pid}/environ`).includes(variable))
    .map((pid) => contentOf(`/proc/${pid}/cmdline`).toString().replaceAll("\0", " ").trim());
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    // The process has just ended, or belongs to another user.
    return Buffer.alloc(0);
  }
}
