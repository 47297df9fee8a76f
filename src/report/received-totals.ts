import type { Status } from "../protocol/response.ts";
import type { Received } from "../sink/contract.ts";
import { counted } from "./counted.ts";
import { toJson } from "./json.ts";
import { size } from "./progress.ts";

/** What the sink has answered so far. */
export class Totals {
  readonly #now: () => number;
  #packages = 0;
  #bytes = 0;
  /** Of recipients. */
  readonly #counts: Record<Status, number> = { success: 0, deferral: 0, failure: 0 };
  #firstAt = 0;
  #lastAt = 0;

  /** @param now returns milliseconds from a fixed moment */
  constructor(now: () => number) {
    this.#now = now;
  }

  add({ answers, surplus, bytes }: Received): void {
    this.#lastAt = this.#now();
    if (this.#packages++ === 0) this.#firstAt = this.#lastAt;
    this.#bytes += bytes;
    this.#counts.failure += surplus;
    for (const { response } of answers) this.#counts[response.status]++;
  }

  line(): string {
    const { success, deferral, failure } = this.#counts;
    const seconds = (this.#elapsedMs / 1_000).toFixed(2);
    const packages = counted(this.#packages, "package");
    const rate = this.#packages > 1 ? `, ${Math.round(this.#rate)}/s` : "";
    return `${packages}, ${size(this.#bytes)} in ${seconds} s${rate}; ${success} success, ${deferral} deferral, ${failure} failure`;
  }

  json(): string {
    return toJson({
      schema: 1,
      type: "totals",
      packages: this.#packages,
      bytes: this.#bytes,
      counts: this.#counts,
      elapsedMs: Math.round(this.#elapsedMs * 10) / 10,
      rate: Math.round(this.#rate * 10) / 10,
    });
  }

  /** From the first package to the last. */
  get #elapsedMs(): number {
    return this.#lastAt - this.#firstAt;
  }

  /** Packages a second, after the first. */
  get #rate(): number {
    return this.#elapsedMs === 0 ? 0 : ((this.#packages - 1) / this.#elapsedMs) * 1_000;
  }
}
