import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { environment, start } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const QMTP_REMOTE = new URL("../../bin/qmtp-remote", import.meta.url).pathname;

/** A qmail home with these control files. */
export function qmailHome(control: Readonly<Record<string, string>> = {}): string {
  const home = temporaryFolder();
  mkdirSync(`${home}/control`);
  mkdirSync(`${home}/bin`);
  for (const [name, content] of Object.entries(control)) writeFileSync(`${home}/control/${name}`, content);
  return home;
}

export interface RemoteRun {
  readonly home?: string;
  readonly host?: string;
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly message?: string | Buffer;
  readonly env?: Record<string, string>;
  /** The program and the arguments that come first; by default the launcher. */
  readonly program?: readonly string[];
  /** Called with the process once it runs. */
  readonly onStart?: (pid: number) => void;
}

/** What a run printed, one character per byte, and how qmail-rspawn reads that. */
export interface RemoteResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly result: string;
}

/** Runs the launcher as qmail-rspawn does, with the message in a file, but with a descriptor 2 of its own. */
export async function runRemote(run: RemoteRun = {}): Promise<RemoteResult> {
  const { home = qmailHome(), host = "example.org", sender = "a@example.net", env = {} } = run;
  const { recipients = ["b@example.org"], message = "Subject: hi\n\nhello\n", program = [QMTP_REMOTE] } = run;
  const file = `${temporaryFolder()}/message`;
  writeFileSync(file, message);
  const fd = openSync(file, "r");
  const [command = "", ...first] = program;
  const child = start(command, [...first, host, sender, ...recipients], {
    env: environment({ QMAILHOME: home, ...env }),
    stdio: [fd, "pipe", "pipe"],
  });
  closeSync(fd);
  if (child.pid !== undefined) run.onStart?.(child.pid);
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on("data", (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const stdout = Buffer.concat(chunks.stdout).toString("latin1");
  return { code, stdout, stderr: Buffer.concat(chunks.stderr).toString(), result: rspawn(stdout, code) };
}

/**
 * What qmail-rspawn(8) makes of the output: K, Z or D, and the text for the log. Written from its manual and from what it
 * was seen to do.
 */
export function rspawn(output: string, code: number | null): string {
  if (code === null) return "Zcrashed";
  if (code === 111) return "Zunable to run";
  if (code !== 0) return "Dunable to run";
  if (output === "") return "Zno output";
  const records = output.split("\0").slice(0, -1);
  const last = records.find((record) => /^[KZD]/.test(record));
  const rank = { D: -1, Z: 0, K: 1 }[last?.[0] ?? "D"] as number;
  const first = { s: 0, h: -1 }[output[0] as string] ?? rank;
  const letter = ["D", "Z", "K"][first + 1] as string;
  const [start = "", next = ""] = records;
  return `${letter}${start.slice(1)}${rank <= first && /^[KZD]/.test(next) ? next.slice(1) : ""}`;
}
