import { ViolationError } from "../../src/protocol/violation.ts";

/** A reader of the protocol core: chunks in, values out, until one is undefined. */
interface Reader<T> {
  push(chunk: Buffer): void;
  next(): T | undefined;
}

/** What a reader made of its input: the values, then the violation that ended it, if any. */
export interface Read<T> {
  readonly values: readonly T[];
  readonly violation: { code: string; offset: number } | null;
}

function read<T>(reader: Reader<T>, chunks: readonly Buffer[]): Read<T> {
  const values: T[] = [];
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      for (let value = reader.next(); value !== undefined; value = reader.next()) values.push(value);
    }
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    return { values, violation: { code: error.code, offset: error.offset } };
  }
  return { values, violation: null };
}

/** The input cut in every way that matters: whole, byte by byte, in two at every offset, with empty chunks. */
function* cuttings(input: Buffer): Generator<Buffer[]> {
  yield [input];
  yield Array.from(input, (byte) => Buffer.of(byte));
  yield [Buffer.alloc(0), input, Buffer.alloc(0)];
  for (let at = 1; at < input.length; at++) yield [input.subarray(0, at), input.subarray(at)];
}

/**
 * Reads the input in every cutting and returns the result, which must be the same each time.
 * @param merge normalises what may depend on the cutting, like the pieces of a body
 */
export function readEveryWay<T, R = T>(
  make: () => Reader<T>,
  input: Buffer,
  merge: (values: readonly T[]) => readonly R[] = (values) => values as unknown as readonly R[],
): Read<R> {
  const results = Array.from(cuttings(input), (chunks) => {
    const { values, violation } = read(make(), chunks);
    return { values: merge(values), violation };
  });
  const [first] = results as [Read<R>];
  for (const other of results) {
    if (JSON.stringify(other) !== JSON.stringify(first)) {
      throw new Error(`it matters how ${input} is cut: ${JSON.stringify(first)} or ${JSON.stringify(other)}`);
    }
  }
  return first;
}
