import { type Case, sectionOf } from "../../check/case.ts";
import type { Result } from "../../check/result.ts";
import type { Context } from "../../cli/context.ts";
import type { CheckReport } from "../../report/check.ts";
import {
  type CheckPaint,
  checkPaint,
  closingLines,
  resultLines,
  sectionLine,
} from "../../report/check-text.ts";
import { isDecorated } from "../../report/terminal.ts";
import type { CheckRequest } from "./read.ts";

/** Prints results in the order of the cases, section by section, as soon as those before are known. */
export class Lines {
  readonly #cases: readonly Case[];
  readonly #known = new Map<Case, Result>();
  readonly #write: (lines: Iterable<string>) => void;
  readonly #paint: CheckPaint;
  readonly #silent: boolean;
  #next = 0;
  #section: number | undefined;

  private constructor({ cases, output }: CheckRequest, context: Context, paint: CheckPaint) {
    this.#cases = cases;
    this.#paint = paint;
    this.#silent = output.json;
    this.#write = (lines) => {
      if (context.stdout.writable) context.stdout.write([...lines].map((line) => `${line}\n`).join(""));
    };
  }

  static async to(request: CheckRequest, context: Context): Promise<Lines> {
    const coloured = isDecorated(context.stdout, context.env, request.output.colour);
    return new Lines(request, context, await checkPaint(coloured));
  }

  print(result: Result): void {
    if (this.#silent) return;
    this.#known.set(result.case, result);
    for (;;) {
      const next = this.#known.get(this.#cases[this.#next] as Case);
      if (next === undefined) return;
      this.#next++;
      this.#write(this.#linesOf(next));
    }
  }

  async end(report: CheckReport): Promise<void> {
    if (this.#silent || report.server === null) return;
    this.#write(closingLines(report));
  }

  *#linesOf(result: Result): Generator<string, void> {
    const section = sectionOf(result.case);
    if (section !== this.#section) {
      if (this.#section !== undefined) yield "";
      yield sectionLine(section, this.#paint);
      this.#section = section;
    }
    yield* resultLines(result, this.#paint);
  }
}
