import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { type PingResult, ping as pingServer } from "../../client/ping.ts";
import { now } from "../../io/clock.ts";
import { pause } from "../../io/pause.ts";
import { PingSummary, pingJson, pingLine } from "../../report/ping.ts";
import { writeLines } from "../../report/write.ts";
import { declare } from "./declare.ts";
import { type PingRequest, read } from "./read.ts";

/** `qmtp ping`: connects to a server, and says how long it took and what answered. It sends no mail. */
export const ping: CommandModule = { declare, read, run };

async function run(request: PingRequest, context: Context): Promise<number> {
  const { route, waitMs, count, intervalMs, repeated, quiet, json } = request;
  const { interrupted, stdout } = context;
  const summary = new PingSummary();
  for (let number = 1; number <= count; number++) {
    const startedAt = now();
    const result = await pingServer(route, waitMs);
    // One that was cut short says nothing about the server.
    if (repeated && result.error?.code === "interrupted") break;
    summary.add(result);
    if (!quiet || result.error !== null) await writeLines(stdout, [resultLine(result, number, json)]);
    if (number === count || !stdout.writable) break;
    await pause(startedAt + intervalMs - now(), interrupted);
    if (interrupted.aborted) break;
  }
  if (repeated && (!quiet || summary.exitCode !== 0)) {
    await writeLines(stdout, [json ? summary.json() : summary.line()]);
  }
  return summary.exitCode;
}

function resultLine(result: PingResult, number: number, json: boolean): string {
  return json ? pingJson(result, Date.now(), number) : pingLine(result, Date.now());
}
