import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { onTestFinished } from "vitest";
import { isInstalled, PROGRAMS } from "./installed.ts";
import { killGroup, printed, startGroup } from "./processes.ts";

const PACKAGES: ReadonlyArray<[program: string, debianPackage: string]> = [
  ["mailfront", "mailfront"],
  ["tcpserver", "ucspi-tcp"],
];

const missing = PACKAGES.filter(([program]) => !isInstalled(program)).map(
  ([, debianPackage]) => debianPackage,
);

/** Whether to skip tests with real servers, with a note. In CI, they fail instead. */
export function skipsRealServers(what: string): boolean {
  if (missing.length === 0 || process.env.CI) return false;
  console.log(`skipped: ${what}, without these Debian packages: ${missing.join(", ")}`);
  return true;
}

export interface Mailfront {
  /** In the form that `--server` accepts. */
  readonly endpoint: string;
  /** Where it stores messages, as in a maildir. */
  readonly folder: string;
  /** The files it stored: sender and recipients, each ended by NUL, then the message; sorted. */
  stored(): Buffer[];
  /** Kills the server, whatever it is doing. */
  kill(): void;
}

/**
 * Starts a real QMTP server on a free port: mailfront under tcpserver, storing into a folder.
 * @param refused a recipient that it refuses
 */
export async function startMailfront(refused?: string): Promise<Mailfront> {
  if (missing.length > 0) throw new Error(`install these Debian packages: ${missing.join(", ")}`);
  const folder = mkdtempSync(`${tmpdir()}/qmtp-mailfront-`);
  for (const name of ["tmp", "new", "cur"]) mkdirSync(`${folder}/${name}`);
  const args = ["-1RHl0", "127.0.0.1", "0", "mailfront", "qmtp", "queuedir", "mailrules", "accept"];
  writeFileSync(`${folder}/rules`, refused === undefined ? "" : `d*:${refused}:No such user (#5.1.1)\n`);
  const child: ChildProcess = startGroup("tcpserver", args, {
    env: { ...process.env, PATH: PROGRAMS, QUEUEDIR: folder, MAILRULES: `${folder}/rules` },
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => {
    killGroup(child);
    rmSync(folder, { recursive: true, force: true });
  });
  const [, port] = await printed(child.stdout, /^(\d+)\n/);
  return {
    endpoint: `127.0.0.1:${port}`,
    folder,
    stored: () =>
      readdirSync(`${folder}/new`)
        .map((name) => readFileSync(`${folder}/new/${name}`))
        .sort(Buffer.compare),
    kill: () => killGroup(child),
  };
}
