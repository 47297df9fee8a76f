import type { Command } from "commander";
import { addGroup, GROUPS, listOption, option } from "../../cli/options/kinds.ts";
import { logOption } from "../../cli/options/log.ts";
import { declareRoute, type RouteOptions } from "../../cli/options/route.ts";
import { spoolOption } from "../../cli/options/spool.ts";
import { usageError } from "../../errors.ts";

/** sendmail's flags as commander returns them. */
export interface SendmailOptions extends Omit<RouteOptions, "verbose"> {
  readonly f?: string;
  readonly r?: string;
  readonly t?: true;
  readonly i?: true;
  readonly o?: readonly string[];
  readonly F?: string;
  readonly spool?: string;
  readonly log?: string;
}

/** Flags that programs pass to sendmail and that have no meaning for QMTP. */
const IGNORED: readonly string[] = [
  "-A <mode>",
  "-B <type>",
  "-G",
  "-L <tag>",
  "-N <dsn>",
  "-O <option=value>",
  "-R <return>",
  "-U",
  "-V <id>",
  "-e <mode>",
  "-h <count>",
  "-m",
  "-n",
  "-v",
];

const EXAMPLES = `
Examples:
  qmtp sendmail -t -i < message.eml
  qmtp sendmail -s qmtps://mx.example.org -f cron@example.org -- admin@example.org < message.eml
  qmtp sendmail -t --spool /var/spool/qmtp < message.eml`;

export function declare(command: Command): void {
  command
    // -h is one of sendmail's flags.
    .addHelpOption(option("--help", "print this help").helpGroup(GROUPS.output))
    .argument("[recipient...]", "envelope recipients");
  addGroup(command, "recipients", [
    option(
      "-f <address>",
      "envelope sender; '' or '<>' is the null sender (or QMTP_FROM; default: user@host)",
    ),
    option("-r <address>", "the same as -f"),
    option("-F <name>", "the sender's name, for a missing From field"),
    option("-t", "also send to To, Cc and Bcc of the message; Bcc is removed"),
  ]);
  addGroup(command, "message", [
    option("-i", "a line with a single dot does not end the message"),
    listOption("-o <option>", "-oi is -i; others are ignored"),
    option("-b <mode>", "only -bm, the default").argParser(deliverMode),
  ]);
  const ignored = IGNORED.map((flags) => option(flags, "ignored"));
  addGroup(command, "ignored", ignored);
  declareRoute(command);
  addGroup(command, "retrying", [spoolOption()]);
  addGroup(command, "output", [logOption()]);
  command.addHelpText("after", EXAMPLES);
}

/** Refuses other modes, which run a server or show a queue. */
function deliverMode(mode: string): string {
  if (mode === "m") return mode;
  throw usageError(`-b${mode} is not supported, only -bm (send)`);
}
