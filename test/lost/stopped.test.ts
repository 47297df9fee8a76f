import { afterEach, expect, test } from "vitest";
import { finished, startQmtp, stopAll } from "../support/processes.ts";
import { AcceptingServer } from "./accepting-server.ts";
import { ManyMessages, memoryFolder } from "./many-messages.ts";

const MESSAGES = 3_000;

afterEach(stopAll);

test.each([
  ["SIGTERM", [], 1],
  ["SIGINT", [], 700],
  ["SIGHUP", ["-q"], 2_000],
  ["SIGTERM", ["-q", "--sessions", "8"], 1],
  ["SIGINT", ["-q", "--sessions", "8"], 1_500],
] as const)(
  "a run stopped by %s %s after %i responses leaves no message that was accepted",
  async (signal, options, at) => {
    const messages = new ManyMessages(memoryFolder());
    messages.add(MESSAGES);
    const server = new AcceptingServer();
    await server.start();
    const child = startQmtp(["maildir", ...options, "-s", server.endpoint, messages.maildir, ""], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.begin({ kind: "accepted", at, answered: true }, false, () => child.kill(signal));
    const { stdout, stderr, ...ended } = await finished(child);
    const left = messages.present();
    // A shell's loop ends only if the program dies of SIGINT.
    expect(ended).toEqual(signal === "SIGINT" ? { code: null, signal } : { code: 111, signal: null });
    expect(left.size).toBeGreaterThan(0);
    expect([...left].filter((number) => server.accepted.has(number))).toEqual([]);
    expect(server.accepted.size + left.size).toBe(MESSAGES);
    const done = server.accepted.size;
    const counts = `${done} message${done === 1 ? "" : "s"}: ${done} success; ${done} removed`;
    expect(stderr).toBe(`qmtp: ${counts}; ${left.size} not sent (interrupted by ${signal})\n`);
    // Messages that were not sent have no lines.
    const lines = stdout.split("\n").slice(0, -1);
    expect(lines.length).toBe(options.length > 0 ? 0 : done);
  },
);
