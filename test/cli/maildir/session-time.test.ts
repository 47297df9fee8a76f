import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { mail, maildirWith } from "../../support/maildirs.ts";
import { finished, stopAll } from "../../support/processes.ts";
import { startTimeless } from "../../support/virtual-clock.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

/** The most packages in flight: these are sent at once, and one more is read and waits for room. */
const WINDOW = 1_024;
const { length: PACKAGE } = wirePackage({ message: "hi\n" });

/** A server that counts the packages of each session; it responds to the first session only on request. */
async function startServer() {
  const sessions: number[] = [];
  let full: (answer: () => void) => void;
  /** Resolves when the first session has filled its window; the value sends the responses. */
  const whenFull = new Promise<() => void>((resolve) => {
    full = resolve;
  });
  const server = createServer((socket: Socket) => {
    const session = sessions.push(0) - 1;
    let [received, answered, held] = [0, 0, session === 0];
    const answer = () => {
      held = false;
      socket.write("3:Kok,".repeat((sessions[session] as number) - answered));
      answered = sessions[session] as number;
    };
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.length;
      const packages = Math.floor(received / PACKAGE);
      sessions[session] = packages;
      if (!held) answer();
      else if (packages === WINDOW) full(answer);
    });
  });
  onTestFinished(() => {
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, whenFull };
}

/** One more message than the window and what waits for room: it is taken if there is time. */
function fullMaildir(): string {
  const files = Array.from({ length: WINDOW + 2 }, (_, index) => [`new/${index}`, [60, mail("b@y", "hi\n")]]);
  return maildirWith(Object.fromEntries(files));
}

/** A run during which this much time passes while the window is full. */
async function delayedRun(ms: number, ...options: string[]) {
  const server = await startServer();
  const args = ["maildir", "-q", "-s", server.endpoint, "--timeout", "5000", ...options, fullMaildir(), ""];
  const { child, pass } = startTimeless(args);
  const done = finished(child);
  const answer = await server.whenFull;
  await pass(ms);
  answer();
  return { ...(await done), sessions: server.sessions };
}

const SILENT = { signal: null, stdout: "", stderr: "" };

test.each([
  ["takes messages in the first nine tenths of its hour", 3_240_000, [WINDOW + 2]],
  ["leaves later messages to another session", 3_240_001, [WINDOW + 1, 1]],
])("a session %s", async (_when, ms, sessions) => {
  expect(await delayedRun(ms)).toEqual({ ...SILENT, code: 0, sessions });
});

test("with --max-time, a run takes messages in the first nine tenths of its time, and leaves later ones", async () => {
  const limit = ["--max-time", "1000"];
  expect(await delayedRun(900_000, ...limit)).toEqual({ ...SILENT, code: 0, sessions: [WINDOW + 2] });
  const counts = `${WINDOW + 1} messages: ${WINDOW + 1} success; ${WINDOW + 1} removed`;
  expect(await delayedRun(900_001, ...limit)).toEqual({
    ...SILENT,
    code: 111,
    stderr: `qmtp: ${counts}; 1 not sent (the run was ended after 1000 s)\n`,
    sessions: [WINDOW + 1],
  });
});
