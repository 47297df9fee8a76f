/** Only reads the files of a folder and writes their bytes to a socket, many files per write. */
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { connect } from "node:net";

const BLOCK = 65_536;
const [, , port, folder] = process.argv as [string, string, string, string];

const names = readdirSync(folder).values();
const socket = connect(Number(port), "127.0.0.1", () => {
  const block = Buffer.allocUnsafeSlow(2 * BLOCK);
  const copy = () => {
    let length = 0;
    while (length < BLOCK) {
      const next = names.next();
      if (next.done) break;
      const file = openSync(`${folder}/${next.value}`, "r");
      length += readSync(file, block, length, BLOCK, null);
      closeSync(file);
    }
    if (length === 0) socket.end();
    else socket.write(block.subarray(0, length), copy);
  };
  copy();
});
socket.resume();
