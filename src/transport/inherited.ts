import { fstatSync } from "node:fs";

/** The last descriptor to check for Node's own: Node opens two dozen when it starts. */
const MAX_DESCRIPTOR = 63;

/**
 * The kind of an inherited descriptor, or undefined unless it certainly was inherited. Node's own descriptors at these
 * numbers are event queues, which are neither sockets nor pipes, or internal pipes. Of an internal pipe, this process
 * has both ends; of an inherited one, only one.
 */
export function inheritedKind(fd: number): "socket" | "pipe" | undefined {
  const stat = statOf(fd);
  if (stat === undefined) return undefined;
  if (stat.isSocket()) return "socket";
  if (!stat.isFIFO()) return undefined;
  for (let other = 0; other <= MAX_DESCRIPTOR; other++) {
    const end = other === fd ? undefined : statOf(other);
    if (end?.isFIFO() && end.ino === stat.ino && end.dev === stat.dev) return undefined;
  }
  return "pipe";
}

function statOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
