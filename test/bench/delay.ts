/** A proxy to a port that delays every byte by a number of milliseconds in each direction. */
import { connect, createServer, type Socket } from "node:net";

const [, , target, delay] = process.argv as [string, string, string, string];

function forward(from: Socket, to: Socket): void {
  from.on("error", () => to.destroy());
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), Number(delay)));
  from.on("end", () => setTimeout(() => to.end(), Number(delay)));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ port: Number(target), host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  forward(client, upstream);
  forward(upstream, client);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
process.stdin.on("end", () => server.close()).resume();
