import type { Command } from "commander";
import { addGroup, option } from "../../cli/options/kinds.ts";

export interface DecodeOptions {
  readonly packages?: true;
  readonly responses?: true;
  readonly messages?: string;
  readonly quiet?: true;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  qmtp encode --test -f a@example.org b@example.org | qmtp decode
  qmtp decode --messages ./mail packages
  qmtp encode --test -f a@example.org b@example.org | nc mx.example.org 209 | qmtp decode --responses`;

export function declare(command: Command): void {
  command.argument("[file...]", "what was sent, or received, as it is (default: -, standard input)");
  addGroup(command, "input", [
    option("--packages", "read packages, whatever the first bytes are"),
    option("--responses", "read responses, whatever the first bytes are"),
  ]);
  addGroup(command, "output", [
    option("--messages <dir>", "write each message to a file there, with Unix line ends"),
    option("--json", "print one JSON object per part instead of lines"),
    option("-q, --quiet", "print only violations and totals, which is faster"),
  ]);
  command.addHelpText("after", EXAMPLES);
}
