import { readdirSync, statSync, unlinkSync } from "node:fs";
import { pathIn } from "./file-names.ts";

/** A file in tmp/ unread for this many milliseconds was left by a delivery that died (maildir(5)). */
const ABANDONED_MS = 129_600_000;

/** Files that deliveries have abandoned in tmp/. */
export function abandonedFiles(maildir: string, now: number): string[] {
  let entries: string[];
  try {
    entries = readdirSync(`${maildir}/tmp`, "latin1");
  } catch {
    // Nothing is delivered from tmp/, so a problem there stops nothing.
    return [];
  }
  return entries
    .filter((entry) => !entry.startsWith("."))
    .map((entry) => `tmp/${entry}`)
    .filter((name) => {
      try {
        const stat = statSync(pathIn(maildir, name));
        return stat.isFile() && stat.atimeMs + ABANDONED_MS < now;
      } catch {
        return false;
      }
    });
}

/** Removes what deliveries have abandoned in tmp/. A file that cannot be removed does no harm. */
export function removeAbandoned(maildir: string, now: number): void {
  for (const name of abandonedFiles(maildir, now)) {
    try {
      unlinkSync(pathIn(maildir, name));
    } catch {}
  }
}
