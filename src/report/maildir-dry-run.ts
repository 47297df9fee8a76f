import { nameBytes } from "../maildir/file-names.ts";
import { field, toJson } from "./json.ts";
import { printableName } from "./maildir.ts";
import { sanitise } from "./sanitise.ts";

/** What would be done with a file, and why if that is not obvious. */
export interface PlannedFile {
  readonly name: string;
  readonly action: "send" | "ignore" | "skip" | "remove";
  readonly why: string;
  readonly sender?: Buffer;
  readonly recipient?: Buffer;
  readonly bytes?: number;
  readonly ageMs?: number;
}

export interface MaildirDryRun {
  readonly endpoints: readonly string[];
  /** What would be done with failures. */
  readonly failures: string;
  readonly lifetimeMs: number | undefined;
  readonly files: readonly PlannedFile[];
}

/** The settings of the run, and a table of the files. */
export function* maildirDryRunLines({
  endpoints,
  failures,
  lifetimeMs,
  files,
}: MaildirDryRun): Generator<string> {
  for (const endpoint of endpoints) yield `server: ${sanitise(endpoint)}`;
  yield `failures: ${sanitise(failures)}`;
  yield `lifetime: ${lifetimeMs === undefined ? "unlimited" : formatAge(lifetimeMs)}`;
  const rows = files.map(rowOf);
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    yield row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  }
}

function rowOf({ name, action, why, sender, recipient, bytes, ageMs }: PlannedFile): string[] {
  const route = sender && recipient ? `${formatAddress(sender)} -> ${formatAddress(recipient)}` : "";
  const size = bytes === undefined ? "" : `${bytes} bytes`;
  return [action, printableName(name), size, ageMs === undefined ? "" : formatAge(ageMs), route, why];
}

function formatAddress(bytes: Buffer): string {
  return bytes.length === 0 ? "<>" : sanitise(bytes);
}

/** In the largest unit that gives at least 2. */
function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** An object for each file, and one for the run. */
export function* maildirDryRunJson({
  endpoints,
  failures,
  lifetimeMs,
  files,
}: MaildirDryRun): Generator<string> {
  const counts = { send: 0, ignore: 0, skip: 0, remove: 0 };
  for (const { name, action, why, sender, recipient, bytes, ageMs } of files) {
    counts[action]++;
    yield toJson({
      schema: 1,
      type: "dry-run-file",
      action,
      ...field("name", nameBytes(name)),
      ...(sender && field("sender", sender)),
      ...(recipient && field("recipient", recipient)),
      bytes,
      ageSeconds: ageMs === undefined ? undefined : Math.round(ageMs / 1_000),
      why: why === "" ? null : why,
    });
  }
  const lifetime = lifetimeMs === undefined ? null : lifetimeMs / 1_000;
  yield toJson({ schema: 1, type: "dry-run", endpoints, failures, lifetimeSeconds: lifetime, counts });
}
