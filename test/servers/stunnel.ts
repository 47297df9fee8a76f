import { rmSync, writeFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import type { Identity } from "../support/certificates.ts";
import { isInstalled, PROGRAMS } from "../support/installed.ts";
import { type Mailfront, skipsRealServers, startMailfront } from "../support/mailfront.ts";
import { killGroup, printed, startGroup } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Whether to skip tests with a real server behind TLS, with a note. In CI, they fail instead. */
export function skipsStunnel(what: string): boolean {
  if (skipsRealServers(what)) return true;
  if (isInstalled("stunnel4") || process.env.CI) return false;
  console.log(`skipped: ${what}, without this Debian package: stunnel4`);
  return true;
}

/**
 * Starts mailfront behind stunnel on a free port.
 * @param options lines of stunnel's configuration
 */
export async function startStunnel(
  { cert, key }: Identity,
  options: readonly string[] = [],
): Promise<Mailfront> {
  if (!isInstalled("stunnel4")) throw new Error("install this Debian package: stunnel4");
  const mailfront = await startMailfront();
  const configuration = `${temporaryFolder()}/stunnel.conf`;
  const lines = ["pid =", "debug = 0", `cert = ${cert}`, `key = ${key}`, `connect = ${mailfront.endpoint}`];
  writeFileSync(configuration, [...lines, ...options, ""].join("\n"));
  // Under tcpserver, which reports the port the system chose: stunnel does not.
  const child = startGroup("tcpserver", ["-1RHl0", "127.0.0.1", "0", "stunnel4", configuration], {
    env: { ...process.env, PATH: PROGRAMS },
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => {
    killGroup(child);
    rmSync(configuration, { force: true });
  });
  const [, port] = await printed(child.stdout, /^(\d+)\n/);
  return { ...mailfront, endpoint: `qmtps://127.0.0.1:${port}` };
}
