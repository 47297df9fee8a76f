import { once } from "node:events";
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import { printed, start } from "./processes.ts";

/** Listens, prints its port, and never accepts: its event loop is blocked. */
const DEAF = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    console.log(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/**
 * A loopback port to which no connection is ever established: a server listens there, but its accept queue is full.
 */
export async function portThatNeverAnswers(): Promise<number> {
  const child = start(process.execPath, ["-e", DEAF], { stdio: ["ignore", "pipe", "inherit"] });
  const [, port] = await printed(child.stdout, /^(\d+)\n/);
  // The queue accepts one more than its length.
  for (let waiting = 0; waiting < 2; waiting++) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {});
    onTestFinished(() => {
      socket.destroy();
    });
    await once(socket, "connect");
  }
  return Number(port);
}
