import { missesOf } from "../../bench/condition.ts";
import { Bench } from "../../bench/run.ts";
import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { benchExitCode } from "../../report/bench/exit-code.ts";
import { benchJson } from "../../report/bench/json.ts";
import { benchProgress } from "../../report/bench/progress.ts";
import { benchLines, benchWarnings } from "../../report/bench/text.ts";
import { Progress } from "../../report/progress.ts";
import { columnsOf, isDecorated } from "../../report/terminal.ts";
import { writeLines } from "../../report/write.ts";
import { declare } from "./declare.ts";
import { type BenchRequest, read } from "./read.ts";

/** `qmtp bench`: sends many messages to a server, and says how fast it answers. */
export const bench: CommandModule = { declare, read, run };

async function run(request: BenchRequest, context: Context): Promise<number> {
  const { plan, route, conditions, json, color, close } = request;
  const running = new Bench(plan, route);
  const progress = json || !color ? undefined : startProgress(running, context);
  const result = await running.run();
  progress?.stop();
  close();
  const misses = missesOf(conditions, result);
  const exitCode = benchExitCode(result, misses);
  if (json) {
    await writeLines(context.stdout, [benchJson(result, misses, exitCode)]);
  } else if (result.tally.answered > 0) {
    const { stdout, env } = context;
    const columns = isDecorated(stdout, env, color) ? columnsOf(stdout) : undefined;
    await writeLines(stdout, benchLines(result, columns));
  }
  await context.sayAll(benchWarnings(result, misses));
  return exitCode;
}

function startProgress(running: Bench, context: Context): Progress {
  const terminal = () => (isDecorated(context.stderr, context.env, true) ? context.stderr : undefined);
  return new Progress(
    terminal,
    benchProgress(() => running.progress, context.interrupted),
  );
}
