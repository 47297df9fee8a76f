/** A server that counts recipients and answers for each: the least a receiver of batches and lists can do. */
import { createServer, type Socket } from "node:net";

const COLON = 0x3a;
const ZERO = 0x30;
/** The netstrings of a package: message, sender, list of recipients. */
const NETSTRINGS = 3;
const RESPONSE = "21:Kok 838640135 qp 1390,";

function serve(socket: Socket): void {
  let length = 0;
  /** Bytes to pass over, and bytes of the list that are left. */
  let skip = 0;
  let list = 0;
  let netstrings = 0;
  let recipients = 0;
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.on("data", (chunk: Buffer) => {
    let answers = 0;
    for (let at = 0; at < chunk.length; ) {
      if (skip > 0) {
        const passed = Math.min(skip, chunk.length - at);
        at += passed;
        skip -= passed;
        if (list > 0) list -= passed;
        if (list > 0 || skip > 0) continue;
        // After the list of recipients comes its comma, which is passed over as part of the last one.
        if (++netstrings < NETSTRINGS) continue;
        netstrings = 0;
        answers += recipients;
        recipients = 0;
        continue;
      }
      const byte = chunk[at++] as number;
      if (list > 0) list--;
      if (byte !== COLON) {
        length = length * 10 + byte - ZERO;
        continue;
      }
      if (list === 0 && netstrings === NETSTRINGS - 1) list = length + 1;
      else {
        skip = length + 1;
        if (list > 0) recipients++;
        // The last recipient: pass over the comma of the list, too.
        if (list === skip + 1) skip++;
      }
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
