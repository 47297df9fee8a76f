import type { Command } from "commander";
import { addGroup, countOption, option, secondsOption } from "../../cli/options/kinds.ts";
import { DEFAULT_SERVER, declareServers, type RouteOptions } from "../../cli/options/route.ts";
import { transcriptOptions } from "../../cli/options/transcript.ts";

/** The options as commander returns them; times in milliseconds. */
export interface PingOptions extends Omit<RouteOptions, "timeout" | "maxTime" | "dryRun"> {
  readonly wait: number;
  readonly count?: number;
  readonly interval?: number;
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
Examples:
  qmtp ping -s mx.example.org
  qmtp ping -s qmtps://mx.example.org -c 10 -i 0.5
  qmtp ping -q -s qmtps://mx.example.org || echo "mx.example.org is down"`;

export function declare(command: Command): void {
  declareServers(command, DEFAULT_SERVER);
  addGroup(command, "times", [
    secondsOption("--connect-timeout <s>", "seconds to connect to each server", 10),
    secondsOption("--wait <s>", "seconds to listen for a server that speaks out of turn", 0.5),
  ]);
  addGroup(command, "repeating", [
    countOption("-c, --count <n>", "ping this many times, and print a summary", 1),
    secondsOption(
      "-i, --interval <s>",
      "seconds from one ping to the next; without -c, until Ctrl-C (default: 1)",
    ),
  ]);
  addGroup(command, "output", [
    option("--json", "print one JSON object per ping, and one for the summary"),
    option("-q, --quiet", "print only what failed"),
    ...transcriptOptions(),
  ]);
  command.addHelpText("after", EXAMPLES);
}
