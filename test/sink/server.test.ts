import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { serve } from "../../src/sink/server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A sink in this process, on a Unix socket; it stops with the test. */
async function startServing(events: string[]): Promise<string> {
  const path = `${temporaryFolder()}/socket`;
  const stop = new AbortController();
  let done: Promise<void> | undefined;
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  await new Promise<void>((resolve) => {
    done = serve(
      { kind: "unix", path },
      {
        rules: { recipients: [], maxBytes: 1_000, maxRecipients: 10 },
        delayMs: 0,
        idleMs: 600_000,
        onPackage: () => {},
        onEvent: (text) => {
          events.push(text);
          if (text.startsWith("listening")) resolve();
        },
        signal: stop.signal,
      },
    );
  });
  return path;
}

/** Connects to it until the test ends. */
async function connectTo(path: string): Promise<Socket> {
  const client = connect({ path });
  client.on("error", () => {});
  onTestFinished(() => {
    client.destroy();
  });
  await once(client, "connect");
  return client;
}

/** What a client gets for a package: a response, or "" if the connection is closed instead. */
async function answerTo(client: Socket): Promise<string> {
  const closed = new Promise((resolve) => client.once("close", resolve));
  client.write("1:\n,0:,6:3:a@x,,");
  let answer = "";
  client.on("data", (chunk) => {
    answer += chunk;
    client.end();
  });
  await closed;
  return answer;
}

test("a thousand clients are served at once; one more is turned away, with a line, until another leaves", async () => {
  const events: string[] = [];
  const path = await startServing(events);
  const clients: Socket[] = [];
  for (let count = 0; count < 1_000; count++) clients.push(await connectTo(path));
  expect(await answerTo(await connectTo(path))).toBe("");
  expect(events.slice(1)).toEqual(["client 1001: turned away: 1000 clients are connected"]);
  expect(await answerTo(clients[0] as Socket)).toMatch(/^19:Kok \d{10} qp 1,$/);
  // The sink may see the first client leave a moment after the client itself.
  let answer = "";
  while (answer === "") answer = await answerTo(await connectTo(path));
  expect(answer).toMatch(/^19:Kok \d{10} qp 2,$/);
});
