/**
 * A server that counts recipients and answers for each: the least a receiver of batches and lists can do.
 * `answer.js [ms]` takes this long for each, one after another in a connection, as servers do that sync messages.
 */
import { createServer, type Socket } from "node:net";

const COLON = 0x3a;
const ZERO = 0x30;
/** The netstrings of a package: message, sender, list of recipients. */
const NETSTRINGS = 3;
const RESPONSE = "21:Kok 838640135 qp 1390,";
const EACH_MS = Number(process.argv[2] ?? 0);

/** Responses that are due one after another. That a timer is late does not make the next ones later. */
class Slowly {
  readonly #socket: Socket;
  #owed = 0;
  #dueAt = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  answer(count: number): void {
    const isIdle = this.#owed === 0;
    this.#owed += count;
    if (!isIdle) return;
    this.#dueAt = performance.now();
    this.#next();
  }

  #next(): void {
    this.#dueAt += EACH_MS;
    setTimeout(() => {
      this.#socket.write(RESPONSE);
      if (--this.#owed > 0) this.#next();
    }, this.#dueAt - performance.now());
  }
}

function serve(socket: Socket): void {
  let length = 0;
  /** Bytes to pass over, and bytes of the list that are left. */
  let skip = 0;
  let list = 0;
  let netstrings = 0;
  let recipients = 0;
  const slowly = new Slowly(socket);
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
    if (answers > 0 && EACH_MS > 0) slowly.answer(answers);
    else if (answers > 0) socket.write(RESPONSE.repeat(answers));
  });
}

const server = createServer({ allowHalfOpen: true }, serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
process.stdin.on("end", () => server.close()).resume();
