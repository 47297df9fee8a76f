import { fstatSync } from "node:fs";

/** Where to stop looking for Node's own descriptors: it opens two dozen when it starts. */
const MAX_DESCRIPTOR = 63;

/**
 * What kind of descriptor was inherited; undefined unless it is certain that it was. Node's own descriptors at these
 * numbers are event queues, which are neither sockets nor pipes, or pipes of its own. Of its own pipes this process
 * holds both ends, of an inherited one only one.
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
