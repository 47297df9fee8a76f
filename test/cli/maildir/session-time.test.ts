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

test.each([
  ["takes messages in the first nine tenths of its time", 900_000, [WINDOW + 2]],
  ["leaves later messages to another session", 900_001, [WINDOW + 1, 1]],
])("a session %s", async (_when, ms, expected) => {
  const files = Array.from({ length: WINDOW + 2 }, (_, index) => [`new/${index}`, [60, mail("b@y", "hi\n")]]);
  const maildir = maildirWith(Object.fromEntries(files));
  const server = await startServer();
  const limits = ["--max-time", "1000", "--timeout", "5000"];
  const { child, pass } = startTimeless(["maildir", "-q", "-s", server.endpoint, ...limits, maildir, ""]);
  const done = finished(child);
  const answer = await server.whenFull;
  await pass(ms);
  answer();
  expect(await done).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(server.sessions).toEqual(expected);
});
