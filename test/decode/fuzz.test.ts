import { describe, expect, test } from "vitest";
import { PackageReader } from "../../src/protocol/package-reader.ts";
import { ResponseReader } from "../../src/protocol/response.ts";
import { ViolationError } from "../../src/protocol/violation.ts";
import { cut, mutatedStream, Random } from "./mutations.ts";
import { type Decoded, decode, only } from "./support.ts";

/** How many streams; a long run sets FUZZ_STREAMS, and FUZZ_SEED to try others. */
const STREAMS = Number(process.env.FUZZ_STREAMS ?? 3_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

/** What the reader of the protocol says about a stream: the code and offset of its violation, or "truncated". */
function verdict(stream: Buffer, direction: "packages" | "responses"): string {
  const reader = direction === "packages" ? new PackageReader() : new ResponseReader();
  try {
    reader.push(stream);
    while (reader.next() !== undefined);
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    return `${error.code} at ${error.offset}`;
  }
  return reader.begun ? `truncated at ${stream.length}` : "in order";
}

function verdictOf(decoded: Decoded): string {
  const [first] = only(decoded, "violation");
  return first === undefined ? "in order" : `${first.code} at ${first.offset}`;
}

const without = (decoded: Decoded) => ({
  events: only(decoded, "violation", "recovery", "stop"),
  totals: decoded.totals,
});

const KINDS = [
  ["packages", false, STREAMS],
  ["responses", false, STREAMS],
  ["packages", true, STREAMS / 20],
  ["responses", true, STREAMS / 20],
] as const;

describe.each(KINDS)("mutated streams of %s, some of them long: %j", (direction, isLong, streams) => {
  const name = "get the verdict of the protocol's reader, the same however they are cut or listed";
  test(name, { timeout: 30_000 + STREAMS }, () => {
    const random = new Random(SEED);
    let broken = 0;
    for (let count = 0; count < streams; count++) {
      const stream = mutatedStream(random, direction, isLong);
      const expected = verdict(stream, direction);
      if (expected !== "in order") broken++;
      const whole = decode([stream], { direction });
      const shown = `stream ${count}: ${JSON.stringify(stream.toString("latin1", 0, 500))}`;
      if (verdictOf(whole) !== expected) throw new Error(`${shown}: ${expected}, not ${verdictOf(whole)}`);
      expectSame(decode(cut(stream, random), { direction }), whole, shown);
      expectSame(decode(cut(stream, random), { direction, parts: false }), without(whole), shown);
    }
    // Otherwise this would test little.
    expect(broken / streams).toBeGreaterThan(0.4);
  });
});

/** Compares text first, because `toEqual` takes long. */
function expectSame(decoded: Decoded, expected: Decoded, shown: string): void {
  if (JSON.stringify(decoded) !== JSON.stringify(expected)) expect(decoded, shown).toEqual(expected);
}
