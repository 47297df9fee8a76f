import type { Command } from "commander";
import { timeOption } from "./values.ts";

/** Where a recipient, or a file of them, was named: order on the command line is order in the package. */
export type RecipientSource = { readonly kind: "address" | "file"; readonly value: string };

/** The options as commander hands them over; times in milliseconds. */
export interface SendOptions {
  /** All recipients that options name; `--to` and `--to-file` share the list. */
  readonly to?: readonly RecipientSource[];
  readonly toFile?: readonly RecipientSource[];
  readonly from?: string;
  readonly file?: string;
  readonly encoding: "unix" | "dos";
  readonly raw?: true;
  readonly server?: readonly string[];
  readonly connectTimeout: number;
  readonly timeout: number;
  readonly maxTime: number;
  readonly split?: true;
  readonly dryRun?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose: number;
  readonly color: boolean;
}

const EXAMPLES = `
Examples:
  { printf 'Subject: disk\\n\\n'; df -h; } | qmtp send -f cron@example.org admin@example.org
  qmtp send -s mx.example.org --from '<>' --to-file list.txt --split --file notice.eml
  qmtp send -s unix:/run/qmtp.sock -f a@example.org b@example.org --json -vv < message.eml

Exit codes:
  0    success for every recipient
  100  permanent: wrong usage, or a failure and no deferral
  111  temporary: try again later`;

export function declareSendOptions(command: Command): Command {
  const recipients: RecipientSource[] = [];
  const collect = (kind: RecipientSource["kind"]) => (value: string) => {
    recipients.push({ kind, value });
    return recipients;
  };
  return command
    .argument("[recipient...]", "envelope recipients")
    .option("--to <address>", "envelope recipient; may be repeated", collect("address"))
    .option(
      "--to-file <file>",
      "file of recipients, one per line; - is standard input; may be repeated",
      collect("file"),
    )
    .option("-f, --from <address>", "envelope sender; '' and '<>' are the null sender (or QMTP_FROM)")
    .option("--file <path>", "the message; - or absent: standard input")
    .addOption(
      command
        .createOption("--encoding <encoding>", "how lines end on the wire")
        .choices(["unix", "dos"])
        .default("unix"),
    )
    .option("--raw", "send the bytes as they stand, only labelled with the encoding")
    .option(
      "-s, --server <endpoint>",
      "where to send: host, host:port, [address]:port, qmtp://host:port or unix:/path; may be repeated: " +
        "the next is tried only where none before could be reached (or QMTP_SERVER; default: localhost:209)",
      append,
    )
    .addOption(timeOption(command, "--connect-timeout <s>", "seconds to connect to each server", 60))
    .addOption(timeOption(command, "--timeout <s>", "seconds without a byte sent or received", 600))
    .addOption(timeOption(command, "--max-time <s>", "seconds for the whole session", 3_600))
    .option("--split", "one package per recipient, for servers that answer once per package")
    .option("-n, --dry-run", "do everything but connect, and print what would be sent")
    .option("--json", "print one JSON object instead of lines")
    .option("-q, --quiet", "print only recipients that have no success")
    .option("-v, --verbose", "print a transcript to standard error; twice: with the message", more, 0)
    .option("--no-color", "no colour and no spinner, also on a terminal")
    .addHelpText("after", EXAMPLES);
}

function append(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function more(_: string, previous: number): number {
  return previous + 1;
}
