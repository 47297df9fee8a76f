import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { userInfo } from "node:os";
import { onTestFinished } from "vitest";
import { isInstalled, PROGRAMS } from "./installed.ts";
import { printed, start } from "./processes.ts";

/** Without dnsmasq, tests that need a name server are skipped, with a note. In CI they fail instead. */
export function skipsDns(what: string): boolean {
  const missing = !isInstalled("dnsmasq") && !process.env.CI;
  if (missing) console.log(`skipped: ${what} (needs the Debian package dnsmasq-base)`);
  return missing;
}

/** How often to try, because the port may be taken between finding and using it. */
const TRIES = 20;

/**
 * Starts dnsmasq, with nothing but these records, and waits until it answers. Names in example.org that have no record do
 * not exist; it refuses to answer for other domains.
 * @param records options of dnsmasq without their dashes, as `mx-host=example.org,mx.example.org,10`
 * @returns the value for DNSCACHEIP
 */
export async function startNameServer(records: readonly string[]): Promise<string> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const own = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-"];
    const where = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces"];
    const what = ["--no-resolv", "--no-hosts", "--local=/example.org/", `--user=${userInfo().username}`];
    const all = [...own, ...where, ...what, ...records.map((record) => `--${record}`)];
    const child = start("dnsmasq", all, {
      env: { PATH: PROGRAMS },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      await printed(child.stderr, /: started, /);
      return `127.0.0.1:${port}`;
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await once(socket.bind(0, "127.0.0.1"), "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/**
 * A name server that does something other than answer.
 * @returns the value for DNSCACHEIP
 */
export async function brokenNameServer(
  answer: (question: Buffer, server: Socket, client: RemoteInfo) => void,
): Promise<string> {
  const server = createSocket("udp4");
  onTestFinished(() => void server.close());
  server.on("message", (question, client) => answer(question, server, client));
  await once(server.bind(0, "127.0.0.1"), "listening");
  return `127.0.0.1:${server.address().port}`;
}

/** A response without records. @param code 2: the server failed (RFC 1035, section 4.1.1) */
export function emptyResponse(question: Buffer, code: number): Buffer {
  const response = Buffer.from(question);
  response.writeUInt16BE(0x8000 | code, 2);
  return response;
}
