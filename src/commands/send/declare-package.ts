import type { Command } from "commander";
import { addGroup, listOption, option } from "../../cli/options/kinds.ts";

/** A recipient, or a file of recipients. */
export interface RecipientSource {
  readonly kind: "address" | "file";
  readonly value: string;
}

/** What the command line says about the message and its envelope. */
export interface PackageOptions extends ComposeOptions {
  /** Operands, `--to` and `--to-file`, in the order of the command line, which is that of the package. */
  readonly recipients: readonly RecipientSource[];
  readonly literal?: true;
  readonly from?: string;
  readonly readRecipients?: true;
  readonly file?: string;
  readonly skipEmpty?: true;
  readonly encoding: "unix" | "dos";
  readonly raw?: true;
  readonly split?: true;
}

/** With any of these but `bcc`, the message is composed; without, the input is the message. */
export interface ComposeOptions {
  readonly subject?: string;
  readonly body?: string;
  readonly html?: string;
  readonly attach?: readonly string[];
  readonly header?: readonly string[];
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly replyTo?: string;
  readonly test?: true;
}

const COMPOSING = ["subject", "body", "html", "attach", "header", "cc", "replyTo", "test"] as const;

/** The option that asks for a composed message, or undefined. */
export function composeOption(options: ComposeOptions): string | undefined {
  const name = COMPOSING.find((one) => options[one] !== undefined);
  return name && `--${name === "replyTo" ? "reply-to" : name}`;
}

/**
 * Options that say what a package contains: those that `send` shares with `encode`.
 * @param taken whether an operand is no recipient, but belongs to the option before it
 */
export function declarePackage(command: Command, taken: (operand: string) => boolean = () => false): void {
  declareRecipients(command, taken);
  addGroup(command, "message", [
    option("--file <path>", "the message (default: -, standard input)"),
    option("-E, --skip-empty", "if standard input is empty, send nothing and exit 0"),
    option("--encoding <encoding>", "how lines end on the wire").choices(["unix", "dos"]).default("unix"),
    option("--raw", "send the bytes unchanged; --encoding only labels them"),
    option("--split", "one package per recipient, for servers that answer once per package"),
  ]);
  addGroup(command, "composing", [
    option("--subject <text>", "compose a message with this subject; the input becomes its text"),
    option("--body <text>", "compose a message with this text; no input is read"),
    option("--html <file>", "compose a message with this HTML, in addition to the text if there is any"),
    listOption(
      "--attach <file>",
      "compose a message with this file attached; 'file;name=...;type=...' sets its name and media type",
    ),
    listOption("--header <field>", "compose a message with this field, 'Name: value'"),
    listOption("--cc <addresses>", "compose a message with these in Cc, and send it to them too"),
    listOption("--bcc <addresses>", "send the composed message to these too, without naming them in it"),
    option("--reply-to <addresses>", "compose a message with this Reply-To"),
    option("--test", "compose a small test message"),
  ]);
}

function declareRecipients(command: Command, taken: (operand: string) => boolean): void {
  const recipients: RecipientSource[] = [];
  const collect = (kind: RecipientSource["kind"]) => (value: string) => {
    recipients.push({ kind, value });
  };
  command
    .setOptionValue("recipients", recipients)
    .argument("[recipient...]", "envelope recipients")
    .on("operand", (operand: string) => {
      if (!taken(operand)) collect("address")(operand);
    });
  addGroup(command, "recipients", [
    option("--to <address>", "an envelope recipient; repeatable").argParser(collect("address")),
    option(
      "--to-file <file>",
      "a file of recipients, one per line, # for comments; - is standard input; repeatable",
    ).argParser(collect("file")),
    option("--literal", "use addresses exactly as given, with commas, blanks, brackets and #"),
    option("-f, --from <address>", "envelope sender; '' or '<>' is the null sender (or QMTP_FROM)"),
    option("-t, --read-recipients", "also send to To, Cc and Bcc of the message; Bcc is removed"),
  ]);
}
