import { fstatSync } from "node:fs";

/** Descriptors of Node's own are looked for up to here: it opens two dozen when it starts. */
const MOST_DESCRIPTOR = 63;

/**
 * What a descriptor is that was there before Node was; undefined where that is not certain. Node's own at these
 * numbers are event queues, which are neither socket nor pipe, or pipes that it made for itself: of those it has
 * both ends, and of an inherited pipe one.
 */
export function inheritedKind(fd: number): "socket" | "pipe" | undefined {
  const stat = statOf(fd);
  if (stat === undefined) return undefined;
  if (stat.isSocket()) return "socket";
  if (!stat.isFIFO()) return undefined;
  for (let other = 0; other <= MOST_DESCRIPTOR; other++) {
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
