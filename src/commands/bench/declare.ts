import type { Command } from "commander";
import { MAX_SESSIONS, MAX_WINDOW } from "../../bench/plan.ts";
import { addGroup, countOption, listOption, option, secondsOption } from "../../cli/options/kinds.ts";
import { declareServers, type RouteOptions } from "../../cli/options/route.ts";
import { usageError } from "../../errors.ts";

/** The options as commander returns them; times in milliseconds. */
export interface BenchOptions
  extends Omit<RouteOptions, "server" | "maxTime" | "verbose" | "trace" | "dryRun"> {
  readonly server?: readonly string[];
  readonly to?: readonly string[];
  readonly from: string;
  readonly recipients: number;
  readonly length?: number;
  readonly file?: string;
  readonly messages?: number;
  readonly duration?: number;
  readonly sessions: number;
  readonly window: number;
  readonly rate?: number;
  readonly reconnect?: number;
  readonly warmUp?: number;
  readonly failIf?: readonly string[];
  readonly force?: true;
  readonly json?: true;
  readonly color: boolean;
}

/** Messages to send if there is no other limit. */
export const DEFAULT_MESSAGES = 1_000;
/** Bytes of the message. */
export const DEFAULT_LENGTH = 4_096;
/** Bytes: more than any server accepts. */
const MAX_LENGTH = 1_000_000_000;
const MAX_RECIPIENTS = 100_000;
const MAX_RATE = 1_000_000;

const EXAMPLES = `
Examples:
  qmtp bench -s localhost:2090 --to test@example.org
  qmtp bench -s localhost:2090 --to test@example.org -c 20 -w 10 --duration 30 --warm-up 5
  qmtp bench -s localhost:2090 --to test@example.org --rate 500 --duration 60 --fail-if 'p99>50ms'`;

export function declare(command: Command): void {
  addGroup(command, "recipients", [
    listOption("--to <address>", "recipient of the messages; several are used in turn; required"),
    option("-f, --from <address>", "envelope sender ('' is the null sender)").default("", "''"),
    countOption("-r, --recipients <n>", "recipients of each message", 1, MAX_RECIPIENTS).default(1),
  ]);
  addGroup(command, "message", [
    countOption("-l, --length <bytes>", `bytes of the message (default: ${DEFAULT_LENGTH})`, 0, MAX_LENGTH),
    option("--file <path>", "the message; '-' is standard input"),
  ]);
  addGroup(command, "load", [
    countOption(
      "-m, --messages <n>",
      `messages to send (default: ${DEFAULT_MESSAGES}, without --duration)`,
      1,
    ),
    secondsOption("--duration <s>", "seconds to send for"),
    countOption("-c, --sessions <n>", "connections at once", 1, MAX_SESSIONS).default(1),
    countOption(
      "-w, --window <n>",
      "most messages in flight in each session; with 1, each waits for the response to the last",
      1,
      MAX_WINDOW,
    ).default(1),
    countOption(
      "--rate <n>",
      "send n messages a second on a schedule, whatever the server does",
      1,
      MAX_RATE,
    ),
    countOption("--reconnect <n>", "make a new connection after n messages", 1),
    secondsOption("--warm-up <s>", "seconds at the beginning that are left out of the results"),
    option("--force", "allow more than one session or 1,000 messages to a server on another host"),
  ]);
  addGroup(command, "conditions", [
    listOption("--fail-if <condition>", "exit 1 if this is true of the results: 'p99>50ms', 'rate<1000'"),
  ]);
  addGroup(command, "server", [
    option(
      "-s, --server <endpoint>",
      "the server: host[:port], qmtps://host[:port] (TLS), mx:domain (its QMTP exchangers), unix:/path, " +
        "exec:command (starts a server for each session) or ucspi: (descriptors 6 and 7); required",
    ).argParser(onlyServer),
  ]);
  declareServers(command, undefined);
  addGroup(command, "times", [
    secondsOption("--connect-timeout <s>", "seconds to connect to each server", 10),
    secondsOption("--timeout <s>", "give up a session after this many idle seconds", 60),
  ]);
  addGroup(command, "output", [
    option("--json", "print one JSON object"),
    option("--no-color", "no drawings and no progress, even on a terminal"),
  ]);
  command.addHelpText("after", EXAMPLES);
}

/** Figures of two servers together would say nothing about either. */
function onlyServer(text: string, previous: readonly string[] | undefined): readonly string[] {
  if (previous !== undefined) throw usageError("name one server: measure others in runs of their own");
  return [text];
}
