import type { Command } from "commander";
import type { CommandModule, ConfiguredOption } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { addGroup } from "../../cli/options/kinds.ts";
import { declareRoute } from "../../cli/options/route.ts";
import { transcriptOptions } from "../../cli/options/transcript.ts";
import { qmailHome } from "../../qmail/control.ts";
import { verdict } from "../../qmail/remote-report.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { configuredOptions } from "./configured-options.ts";
import { read } from "./read.ts";
import { run } from "./run.ts";

/** `qmtp remote`: qmail-remote's interface. Standard output carries records for qmail-rspawn(8). */
export const remote: CommandModule = { declare, read, run, configured, reportError };

const EXAMPLES = `
control/qmtpremoteargs in the qmail home can name options, one per line.

Examples:
  QMAILREMOTE=/usr/local/bin/qmtp-remote qmail-start ./Mailbox splogger qmail
  qmtp remote -v example.org joe@example.net ann@example.org < message.eml`;

function declare(command: Command): void {
  command
    .argument("<host>", "where to send: a domain")
    .argument("<sender>", "the envelope sender; '' is the null sender")
    .argument("<recipient...>", "the envelope recipients");
  declareRoute(command, { server: undefined, connectSeconds: 60 });
  addGroup(command, "output", transcriptOptions());
  command.addHelpText("after", EXAMPLES);
}

function configured({ env }: Context): ConfiguredOption[] {
  return configuredOptions(qmailHome(env));
}

/** Prints a temporary failure: qmail logs it, and keeps the message. */
function reportError(line: string, _exitCode: number, { stdout }: Context): number {
  stdout.write(verdict("Z", line));
  return EXIT.success;
}
