import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { PackageReader } from "../../src/protocol/package-reader.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Reads a package from a chunk that is then forgotten by everything but the reader. */
function readOne(reader: PackageReader): WeakRef<ArrayBufferLike> {
  const chunk = Buffer.alloc(60_000, "9:\n12345678,3:a@x,6:3:b@y,,9:\n12");
  reader.push(chunk.subarray(0, 27 + 5));
  while (reader.next() !== undefined);
  return new WeakRef(chunk.buffer);
}

test("a reader that waits for more keeps nothing of what it has read: there may be a thousand of them", async () => {
  const reader = new PackageReader();
  const read = readOne(reader);
  // A weak reference is strong until the end of the turn.
  await new Promise(setImmediate);
  collect();
  expect(read.deref()).toBeUndefined();
  // It goes on in the middle of the package.
  reader.push(Buffer.from("345678,3:a@x,6:3:c@y,,"));
  const events = [];
  for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(["body", "sender", "recipient", "end"]);
  expect(reader.offset).toBe(27 + 5 + 22);
});
