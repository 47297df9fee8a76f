/** A server that counts one package's bytes and answers it: the least a receiver can do. */
import { createServer } from "node:net";

const TAIL = ",13:a@example.org,17:13:b@example.org,,".length;

const server = createServer((socket) => {
  let received = 0;
  let expected = Number.POSITIVE_INFINITY;
  const head: number[] = [];
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Buffer) => {
    if (expected === Number.POSITIVE_INFINITY) {
      head.push(...chunk.subarray(0, 16));
      const digits = /^(\d+):/.exec(Buffer.from(head).toString("latin1"))?.[1];
      if (digits !== undefined) expected = digits.length + 1 + Number(digits) + TAIL;
    }
    received += chunk.length;
    if (received >= expected) socket.write("3:Kok,");
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
process.stdin.on("end", () => server.close()).resume();
