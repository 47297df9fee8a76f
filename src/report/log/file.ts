import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { LogTarget } from "./log.ts";

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
/** Not readable for all users, because the log contains addresses. */
const MODE = 0o640;

/**
 * Opens a log file. Each line is appended with one system call, so that processes can share the file.
 * @throws the system's error
 */
export function openLogFile(path: string): LogTarget {
  // With O_NONBLOCK, a named pipe does not make the mail wait for its reader.
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, MODE);
  let cut = endsWithinLine(fd, path);
  return {
    write(line) {
      // If the last line was cut because the disk was full, by this run or an earlier one, start a new one.
      const bytes = Buffer.from(`${cut ? "\n" : ""}${line}\n`);
      const written = writeSync(fd, bytes);
      cut = written < bytes.length;
      if (cut) throw new Error("no room for a complete line");
    },
    close: async () => closeSync(fd),
  };
}

/** Whether a file ends without a line end. If it cannot be read, it is taken to be whole. */
function endsWithinLine(fd: number, path: string): boolean {
  const kind = fstatSync(fd);
  if (!kind.isFile() || kind.size === 0) return false;
  const last = Buffer.alloc(1);
  try {
    // The log may be writable only.
    const reader = openSync(path, constants.O_RDONLY);
    readSync(reader, last, 0, 1, kind.size - 1);
    closeSync(reader);
  } catch {
    return false;
  }
  return last.toString() !== "\n";
}
