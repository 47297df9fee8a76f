/** The least a node script can do to send a message from standard input to one recipient and print the result. */
import { connect } from "node:net";

const pieces: Buffer[] = [];
process.stdin.on("data", (piece: Buffer) => pieces.push(piece));
process.stdin.on("end", () => {
  const message = Buffer.concat(pieces);
  const socket = connect(Number(process.argv[2]), "127.0.0.1", () => {
    const tail = ",13:a@example.org,17:13:b@example.org,,";
    socket.write(Buffer.concat([Buffer.from(`${message.length + 1}:\n`), message, Buffer.from(tail)]));
  });
  socket.on("data", (response: Buffer) => {
    console.log(`b@example.org: ${response}`);
    socket.end();
  });
});
