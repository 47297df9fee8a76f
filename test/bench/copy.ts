/** Only copies a file to a socket as one package: one buffer, one read, one write, repeat. */
import { fstatSync, openSync, readSync } from "node:fs";
import { connect } from "node:net";

const CHUNK = 2 * 1024 * 1024;
/** As in src/message/file-chunks.ts: without it, some processors would make this copy slow, and us look fast. */
const SKEW = 48;
const [, , port, path] = process.argv as [string, string, string, string];

const file = openSync(path, "r");
const socket = connect(Number(port), "127.0.0.1", () => {
  socket.write(`${fstatSync(file).size + 1}:\n`);
  const buffer = Buffer.allocUnsafeSlow(SKEW + CHUNK).subarray(SKEW);
  const copy = () => {
    const length = readSync(file, buffer, 0, CHUNK, null);
    if (length === 0) socket.write(",13:a@example.org,17:13:b@example.org,,");
    else socket.write(buffer.subarray(0, length), copy);
  };
  copy();
});
socket.on("data", () => socket.end());
