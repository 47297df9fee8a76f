import type { Command } from "commander";
import { declareOutput, declareServers, type SessionOptions } from "./session-options.ts";
import { append, countOption, timeOption } from "./values.ts";

/** Where a recipient, or a file of them, was named: order on the command line is order in the package. */
export type RecipientSource = { readonly kind: "address" | "file"; readonly value: string };

/** The options as commander hands them over; times in milliseconds. */
export interface SendOptions extends SessionOptions, ComposeOptions {
  /** All recipients that options name; `--to` and `--to-file` share the list. */
  readonly to?: readonly RecipientSource[];
  readonly toFile?: readonly RecipientSource[];
  readonly from?: string;
  readonly file?: string;
  readonly encoding: "unix" | "dos";
  readonly raw?: true;
  readonly split?: true;
  readonly spool?: string;
  readonly retry: number;
  readonly retryDelay: number;
  readonly retryMaxTime: number;
  readonly retryUnanswered?: true;
  readonly dryRun?: true;
  readonly readRecipients?: true;
}

/** Any of these makes a message of what is given, instead of sending what is given. */
export interface ComposeOptions {
  readonly subject?: string;
  readonly body?: string;
  readonly html?: string;
  readonly attach?: readonly string[];
  readonly header?: readonly string[];
  readonly cc?: readonly string[];
  readonly replyTo?: string;
  readonly test?: true;
}

const COMPOSING = ["subject", "body", "html", "attach", "header", "cc", "replyTo", "test"] as const;

/** The option because of which a message is composed, or undefined where none is. */
export function composeOption(options: ComposeOptions): string | undefined {
  const name = COMPOSING.find((one) => options[one] !== undefined);
  return name && `--${name === "replyTo" ? "reply-to" : name}`;
}

const EXAMPLES = `
Examples:
  df -h | qmtp send --subject "disk on $(hostname)" -f cron@example.org admin@example.org
  qmtp send --test -s mx.example.org -f a@example.org b@example.org
  qmtp send -s mx.example.org --from '<>' --to-file list.txt --split --file notice.eml
  qmtp send -s qmtps://mx.example.org --retry 5 -f a@example.org b@example.org < message.eml
  qmtp send -s unix:/run/qmtp.sock -f a@example.org b@example.org --json -vv < message.eml

Exit codes:
  0    success for every recipient, or a message in the spool
  100  permanent: wrong usage, or a failure and no deferral
  111  temporary: try again later`;

export function declareSendOptions(command: Command): Command {
  const recipients: RecipientSource[] = [];
  const collect = (kind: RecipientSource["kind"]) => (value: string) => {
    recipients.push({ kind, value });
    return recipients;
  };
  command
    .argument("[recipient...]", "envelope recipients")
    .option("--to <address>", "envelope recipient; may be repeated", collect("address"))
    .option(
      "--to-file <file>",
      "file of recipients, one per line; - is standard input; may be repeated",
      collect("file"),
    )
    .option("-f, --from <address>", "envelope sender; '' and '<>' are the null sender (or QMTP_FROM)")
    .option(
      "-t, --read-recipients",
      "also those in To, Cc and Bcc of the message, which goes without its Bcc",
    )
    .option("--file <path>", "the message; - or absent: standard input")
    .addOption(
      command
        .createOption("--encoding <encoding>", "how lines end on the wire")
        .choices(["unix", "dos"])
        .default("unix"),
    )
    .option("--raw", "send the bytes as they stand, only labelled with the encoding");
  declareCompose(command);
  return declareOutput(declareServers(command), {
    json: "print one JSON object instead of lines",
    quiet: "print only recipients that have no success",
  })
    .option("--split", "one package per recipient, for servers that answer once per package")
    .option(
      "--spool <maildir>",
      "keep the message there for deferred recipients; qmtp maildir sends it later",
    )
    .addOption(
      countOption(command, "--retry <n>", "try again so often for deferred recipients", 0, 1_000).default(0),
    )
    .addOption(timeOption(command, "--retry-delay <s>", "seconds before that; doubled each time", 1))
    .addOption(timeOption(command, "--retry-max-time <s>", "seconds after which no attempt begins", 3_600))
    .option("--retry-unanswered", "also for recipients without a response, who may get the message twice")
    .option("-n, --dry-run", "do everything but connect, and print what would be sent")
    .addHelpText("after", EXAMPLES);
}

function declareCompose(command: Command): void {
  command
    .option("--subject <text>", "compose a message with this subject; what is read becomes its text")
    .option("--body <text>", "compose a message with this text; nothing is read")
    .option("--html <file>", "compose a message with this HTML, beside the text")
    .option("--attach <file>", "compose a message with this file attached; may be repeated", append)
    .option("--header <field>", "compose a message with this field, 'Name: value'; may be repeated", append)
    .option(
      "--cc <addresses>",
      "compose a message with a Cc to these, who get it too; may be repeated",
      append,
    )
    .option("--reply-to <addresses>", "compose a message to which answers go there")
    .option("--test", "compose a small message by itself, to try a server with");
}
