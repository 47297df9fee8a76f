import type { Command } from "commander";
import { addGroup, countOption, option, secondsOption } from "../../cli/options/kinds.ts";
import { logOption } from "../../cli/options/log.ts";
import type { OutputOptions } from "../../cli/options/output.ts";
import { declareOutput } from "../../cli/options/output.ts";
import { declareRoute, type RouteOptions } from "../../cli/options/route.ts";
import { type SessionsOptionValues, sessionsOptions } from "../../cli/options/sessions.ts";
import { spoolOption } from "../../cli/options/spool.ts";
import { declarePackage, type PackageOptions } from "./declare-package.ts";

/** The options as commander returns them; times in milliseconds. */
export interface SendOptions extends RouteOptions, OutputOptions, PackageOptions, SessionsOptionValues {
  readonly spool?: string;
  readonly log?: string;
  readonly retry: number;
  readonly retryDelay: number;
  readonly retryMaxTime: number;
  readonly retryUnanswered?: true;
  readonly dryRun?: true;
}

const EXAMPLES = `
Examples:
  df -h | qmtp send --subject "disk on $(hostname)" -f cron@example.org admin@example.org
  qmtp send --test -v -s mx.example.org -f a@example.org b@example.org
  qmtp send -s qmtps://mx.example.org --retry 5 -f a@example.org b@example.org < message.eml`;

export function declare(command: Command): void {
  declarePackage(command);
  declareRoute(command);
  addGroup(command, "server", sessionsOptions("; needs --split"));
  addGroup(command, "retrying", [
    countOption("--retry <n>", "retry deferred recipients up to n times", 0, 1_000).default(0),
    secondsOption("--retry-delay <s>", "seconds before the first retry; doubles each time", 1),
    secondsOption("--retry-max-time <s>", "seconds after which no retry begins", 3_600),
    option("--retry-unanswered", "also retry recipients without a response, who may get the message twice"),
    spoolOption(),
  ]);
  declareOutput(command, {
    json: "print one JSON object instead of lines",
    quiet: "print only recipients without success that were not spooled",
  });
  addGroup(command, "output", [
    logOption(),
    option("-n, --dry-run", "do not connect; print what would be sent"),
  ]);
  command.addHelpText("after", EXAMPLES);
}
