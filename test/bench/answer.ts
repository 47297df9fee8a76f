/** A server that counts packages of one recipient and answers each: the least a batch receiver can do. */
import { createServer, type Socket } from "node:net";

const COLON = 0x3a;
const ZERO = 0x30;
/** The netstrings of a package: message, sender, list of recipients. */
const NETSTRINGS = 3;
const RESPONSE = "21:Kok 838640135 qp 1390,";

function serve(socket: Socket): void {
  let length = 0;
  let skip = 0;
  let netstrings = 0;
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Buffer) => {
    let answers = 0;
    for (let at = 0; at < chunk.length; ) {
      if (skip > 0) {
        const passed = Math.min(skip, chunk.length - at);
        at += passed;
        skip -= passed;
        if (skip === 0 && ++netstrings % NETSTRINGS === 0) answers++;
        continue;
      }
      const byte = chunk[at++] as number;
      if (byte !== COLON) {
        length = length * 10 + byte - ZERO;
        continue;
      }
      skip = length + 1;
      length = 0;
    }
    if (answers > 0) socket.write(RESPONSE.repeat(answers));
  });
}

const server = createServer({ allowHalfOpen: true }, serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
process.stdin.on("end", () => server.close()).resume();
