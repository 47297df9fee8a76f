import { readdirSync, statSync, unlinkSync } from "node:fs";
import { pathIn } from "./file-names.ts";

/** Milliseconds: a file in tmp/ not read for this long was left by a delivery that died (maildir(5)). */
const ABANDONED_MS = 129_600_000;

/** Files that deliveries have abandoned in tmp/. */
export function abandonedFiles(maildir: string, now: number): string[] {
  let entries: string[];
  try {
    entries = readdirSync(`${maildir}/tmp`, "latin1");
  } catch {
    // Nothing is delivered from tmp/, so a problem there does not matter.
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

/** Removes abandoned files from tmp/. A file that cannot be removed does no harm. */
export function removeAbandoned(maildir: string, now: number): void {
  for (const name of abandonedFiles(maildir, now)) {
    try {
      unlinkSync(pathIn(maildir, name));
    } catch {}
  }
}
