import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { LogTarget } from "./log.ts";

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** The log has addresses in it: others than its group need not read it. */
const MODE = 0o640;

/**
 * A file to which each line is appended with one system call, so that processes can share it.
 * @throws the system's error
 */
export function openLogFile(path: string): LogTarget {
  // A named pipe must not make the mail wait for its reader.
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE);
  let cut = false;
  return {
    write(line) {
      // After a line that was cut, because the disk was full, the next one begins anew.
      const bytes = Buffer.from(`${cut ? "\n" : ""}${line}\n`);
      const written = writeSync(fd, bytes);
      cut = written < bytes.length;
      if (cut) throw new Error("no room for a whole line");
    },
    close: async () => closeSync(fd),
  };
}
