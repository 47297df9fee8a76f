import type { Miss } from "../../bench/condition.ts";
import type { BenchResult } from "../../bench/result.ts";
import { errorExitCode } from "../exit-code.ts";
import { BENCH_EXIT, BENCH_TABLE } from "../exit-tables.ts";

/** A run that was cut short proves nothing, whatever was measured until then. */
export function benchExitCode({ tally, error }: BenchResult, misses: readonly Miss[]): number {
  if (error !== null) return errorExitCode(error, BENCH_TABLE);
  if (tally.answered === 0) return BENCH_TABLE.otherwise;
  return misses.length > 0 || tally.violations.length > 0 ? BENCH_EXIT.missed : BENCH_EXIT.passed;
}
