import { type ReceivingServer, startReceivingServer } from "../../support/receiving-server.ts";

export interface TimedServer extends ReceivingServer {
  /** How long each package waited for its response, by the server's clock, in milliseconds. */
  readonly waits: readonly number[];
}

/** A server that sends each response after so many milliseconds. */
export async function startSlowServer(delayMs: number): Promise<TimedServer> {
  const waits: number[] = [];
  const server = await startReceivingServer("3:Kok,", (send) => {
    const at = performance.now();
    setTimeout(() => {
      send();
      waits.push(performance.now() - at);
    }, delayMs);
  });
  return {
    endpoint: server.endpoint,
    packages: server.packages,
    waits,
    get connections() {
      return server.connections;
    },
  };
}

/** A server that answers at once, but stalls once for so long, beginning with the package of this number. */
export async function startStallingServer(ms: number, number: number): Promise<ReceivingServer> {
  let stalledUntil: Promise<unknown> | undefined;
  return startReceivingServer("3:Kok,", (send, count) => {
    if (count === number) {
      stalledUntil = new Promise((resolve) => setTimeout(resolve, ms));
      void stalledUntil.then(() => {
        stalledUntil = undefined;
      });
    }
    if (stalledUntil === undefined) send();
    else void stalledUntil.then(send);
  });
}
