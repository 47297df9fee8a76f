import type { Command } from "commander";
import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { addGroup, countOption, option, PREFIX_MEANING } from "../../cli/options/kinds.ts";
import { logOption, withLog } from "../../cli/options/log.ts";
import { declareOutput } from "../../cli/options/output.ts";
import { declareRoute } from "../../cli/options/route.ts";
import { sessionsOptions } from "../../cli/options/sessions.ts";
import { checkMaildir, checkRemovable } from "../../maildir/listing.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { printDryRun } from "./dry-run.ts";
import { type MaildirRequest, read } from "./read.ts";
import { MaildirRun } from "./run.ts";

/** `qmtp maildir`: delivers the messages of a maildir, each to the recipient in its head. */
export const maildir: CommandModule = { declare, read, run };

const EXAMPLES = `
Examples:
  qmtp maildir -s mx.example.org ./spool
  qmtp maildir -b -t 604800 -s mx1.example.org -s mx2.example.org ~alias/pppdir alias-ppp-
  qmtp maildir -n -s mx.example.org ./spool`;

function declare(command: Command): void {
  command.argument("<dir>", "the maildir").argument("[prefix]", `${PREFIX_MEANING} (default: '')`);
  addGroup(command, "maildir", [
    option("-b, --bounce", "return failures to their senders and remove them (default: keep them)"),
    option("--bounce-server <endpoint>", "send bounces there by QMTP, instead of through qmail-queue"),
    countOption("-t, --lifetime <seconds>", "treat deferrals of messages older than this as failures", 0),
  ]);
  declareRoute(command);
  addGroup(command, "server", sessionsOptions());
  declareOutput(command, {
    json: "print one JSON object per message, and one for the run",
    quiet: "print only messages without success",
  });
  addGroup(command, "output", [logOption(), option("-n, --dry-run", "do nothing; print what would be done")]);
  command.addHelpText("after", EXAMPLES);
}

/** @throws {QmtpError} unreadable-maildir, unwritable-maildir, maildir-locked, unlockable-maildir */
async function run(request: MaildirRequest, context: Context): Promise<number> {
  checkMaildir(request.maildir);
  if (request.dryRun) {
    await printDryRun(request, context);
    return EXIT.success;
  }
  checkRemovable(request.maildir);
  return withLog(request.log, context, (log) => new MaildirRun(request, log, context).run());
}
