import type { Command } from "commander";
import type { Context } from "../context.ts";
import { checkMaildir } from "../maildir/listing.ts";
import { printMaildirDryRun } from "./maildir-dry-run.ts";
import { type MaildirOptions, readMaildirRequest } from "./maildir-request.ts";
import { MaildirRun } from "./maildir-run.ts";
import { declareOutput, declareServers } from "./session-options.ts";
import { countOption } from "./values.ts";

const EXAMPLES = `
Examples:
  qmtp maildir -s mx.example.org ./spool ''
  qmtp maildir -b -t 604800 -s mx1.example.org -s mx2.example.org ~alias/pppdir alias-ppp-
  qmtp maildir -n -s mx.example.org ./spool ''

Exit codes:
  0    nothing is left over
  100  wrong usage
  111  something is left over, or could not be done: try again later`;

/** `qmtp maildir`: delivers the messages of a maildir, each to the recipient in its head. */
export function declareMaildir(command: Command, context: Context, exit: (code: number) => void): void {
  command
    .argument("<dir>", "the maildir")
    .argument("<prefix>", "removed from recipients; files of other recipients are left alone; '' takes all");
  declareServers(command)
    .option("-b, --bounce", "return failures to their senders, then remove them; else they are kept")
    .option("--bounce-server <endpoint>", "send bounces there by QMTP, instead of through qmail-queue")
    .addOption(
      countOption(command, "-t, --lifetime <seconds>", "older messages fail instead of being deferred", 0),
    )
    .option("-n, --dry-run", "print what would be done, and do nothing");
  declareOutput(command, {
    json: "print one JSON object per message, and one for the run",
    quiet: "print only messages that have no success",
  })
    .addHelpText("after", EXAMPLES)
    .action(async (maildir: string, prefix: string, options: MaildirOptions) => {
      const request = await readMaildirRequest(maildir, prefix, options, context);
      checkMaildir(maildir);
      if (options.dryRun) await printMaildirDryRun(request, options.json === true, context);
      else exit(await new MaildirRun(request, options, context).run());
    });
}
