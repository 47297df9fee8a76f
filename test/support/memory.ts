import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

/** Without /proc, a process's peak memory is unknown. */
export const noProc = !existsSync("/proc/self/status");
if (noProc) console.log("skipped: tests of memory use, which need Linux's /proc");

/** Code that runs in the process before ours and writes to standard error on exit. */
export function hook(code: string): Record<string, string> {
  const file = `${temporaryFolder()}/hook.cjs`;
  writeFileSync(file, `process.on("exit", () => require("fs").writeSync(2, ${code}));\n`);
  return { NODE_OPTIONS: `--require=${file}` };
}

/** MiB of a process's peak memory. */
export const PEAK = '"peak " + /VmHWM:\\s+(\\d+)/.exec(require("fs").readFileSync("/proc/self/status"))[1]';
export const peakOf = (stderr: string) => Number(/^peak (\d+)$/.exec(stderr)?.[1]) / 1024;

/** A server that receives one package of a given length and keeps only its hash. */
export async function startHashingServer(length: number, recipients = 1) {
  const hash = createHash("sha256");
  const seen = { bytes: 0 };
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      hash.update(chunk);
      seen.bytes += chunk.length;
      if (seen.bytes >= length) socket.write("3:Kok,".repeat(recipients));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `127.0.0.1:${port}`, seen, digest: () => hash.digest("hex") };
}
