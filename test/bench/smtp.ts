/** The least an SMTP server can do: accepts every message, and forgets it. */
import { createServer, type Socket } from "node:net";

function serve(socket: Socket): void {
  let text = "";
  let inData = false;
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (let end = text.indexOf("\r\n"); end !== -1; end = text.indexOf("\r\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      if (inData && line !== ".") continue;
      inData = /^data$/i.test(line);
      socket.write(inData ? "354 go on\r\n" : /^quit/i.test(line) ? "221 bye\r\n" : "250 ok\r\n");
      if (/^quit/i.test(line)) socket.end();
    }
  });
  socket.write("220 bench.example.org\r\n");
}

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(address.port);
});
process.stdin.on("end", () => server.close()).resume();
