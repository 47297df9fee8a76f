import { expect, test } from "vitest";
import { PackageReader } from "../../src/protocol/package-reader.ts";
import { ResponseReader } from "../../src/protocol/response.ts";

/** Pushes pieces of a stream through one buffer, as when a file is read, and gathers what comes out. */
function readThroughOneBuffer<T>(
  reader: { push(chunk: Buffer): void; next(): T | undefined },
  stream: string,
  size: number,
  take: (value: T) => string,
): string[] {
  const taken: string[] = [];
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < stream.length; at += size) {
    const length = buffer.write(stream.slice(at, at + size), "latin1");
    reader.push(buffer.subarray(0, length));
    for (let value = reader.next(); value !== undefined; value = reader.next()) taken.push(take(value));
  }
  return taken;
}

test.each([1, 2, 5, 6, 7])("responses are read through one buffer of %i bytes", (size) => {
  const stream = "3:Kok,3:Dno,3:Dno,3:Kok,2:Zx,";
  const texts = readThroughOneBuffer(
    new ResponseReader(),
    stream,
    size,
    ({ status, text }) => `${status} ${text}`,
  );
  expect(texts).toEqual(["success ok", "failure no", "failure no", "success ok", "deferral x"]);
});

test.each([1, 4, 5, 11, 12])("addresses are read through one buffer of %i bytes", (size) => {
  const stream = "2:\na,3:a@x,12:3:b@y,3:c@y,,".repeat(3);
  const addresses = readThroughOneBuffer(new PackageReader(), stream, size, (event) =>
    "address" in event ? event.address.toString() : "",
  );
  const expected = ["a@x", "b@y", "c@y"];
  expect(addresses.filter((address) => address !== "")).toEqual([...expected, ...expected, ...expected]);
});
