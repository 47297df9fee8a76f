import { execFileSync } from "node:child_process";
import type { TestContext } from "vitest";
import { skip } from "./skip.ts";

/** Skips the test if system calls cannot be traced here. */
export function needsStrace(context: TestContext, what: string): void {
  try {
    execFileSync("strace", ["-f", "-y", "-o", "/dev/null", "true"], { stdio: "pipe" });
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    skip(context, `${what}, because system calls cannot be traced: ${why}`);
  }
}

/** System calls in the order in which they ended: strace shows one that was overtaken in two parts. */
export function callsIn(trace: string): string[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((line) => {
    const [, thread = "", call = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const start = /^(.*) <unfinished \.\.\.>$/.exec(call);
    if (start !== null) begun.set(thread, start[1] as string);
    const end = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    if (end !== null) return [`${begun.get(thread)}${end[1]}`];
    return start === null ? [call] : [];
  });
}
