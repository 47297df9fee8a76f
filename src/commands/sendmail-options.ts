import type { Command } from "commander";
import { usageError } from "../errors.ts";
import type { RouteDefaults } from "./route-options.ts";
import { declareServers, type TransmissionOptions } from "./session-options.ts";
import { append } from "./values.ts";

/** sendmail's flags as commander hands them over. */
export interface SendmailOptions extends Omit<TransmissionOptions, "verbose"> {
  readonly f?: string;
  readonly r?: string;
  readonly t?: true;
  readonly i?: true;
  readonly o?: readonly string[];
  readonly F?: string;
  readonly spool?: string;
}

const DEFAULTS: RouteDefaults = {
  server: "control/qmtpservers in the qmail home; localhost:209",
  connectSeconds: 60,
};

/** What programs say to sendmail and QMTP has no use for. */
const WITHOUT_EFFECT: readonly string[] = [
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

Exit codes:
  0   success for every recipient, or a message in the spool
  64  wrong usage, or no recipient
  65  permanent: a failure and no deferral, or a header that cannot be understood
  66  the message cannot be read
  69  no server could be reached
  75  temporary: try again later`;

export function declareSendmailOptions(command: Command): Command {
  command
    // Here, -h is one of sendmail's.
    .helpOption("--help", "print this help")
    .argument("[recipient...]", "envelope recipients")
    .option(
      "-f <address>",
      "envelope sender; '' and '<>' are the null sender (or QMTP_FROM; default: user@host)",
    )
    .option("-r <address>", "the same")
    .option("-t", "also recipients in To, Cc and Bcc of the message")
    .option("-i", "a line with a dot alone does not end the message")
    .option("-o <option>", "-oi is -i; others are without effect; may be repeated", append)
    .option("-F <name>", "the sender's name, for a From field where there is none")
    .option("-b <mode>", "only -bm, which is the default", deliverMode);
  for (const flags of WITHOUT_EFFECT) command.option(flags, "without effect");
  return declareServers(command, DEFAULTS)
    .option(
      "--spool <maildir>",
      "keep the message there for deferred recipients; qmtp maildir sends it later",
    )
    .addHelpText("after", EXAMPLES);
}

/** Other modes are a server's, or show a queue. */
function deliverMode(mode: string): string {
  if (mode === "m") return mode;
  throw usageError(`-b${mode} is not for this program, which only sends: -bm`);
}
