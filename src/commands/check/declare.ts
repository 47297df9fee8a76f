import type { Command } from "commander";
import { addGroup, listOption, option, secondsOption } from "../../cli/options/kinds.ts";
import { DEFAULT_SERVER, declareServers } from "../../cli/options/route.ts";
import { transcriptOptions } from "../../cli/options/transcript.ts";

const HELP = `
Examples:
  qmtp check -s mx.example.org
  qmtp check -s mx.example.org --to test@example.org --refused nowhere@example.net
  qmtp check -s 192.0.2.1 --to test@example.org --inbox ~/Maildir --strict --junit qmtp.xml
  qmtp check -s mx.example.org --to test@example.org --only 6/ --json
  qmtp check --list`;

export function declare(command: Command): void {
  declareServers(command, DEFAULT_SERVER);
  addGroup(command, "recipients", [
    option("--to <address>", "a recipient that gets messages; without it, none is sent whole"),
    option("--refused <address>", "a recipient that the server refuses; many packages are sent to it"),
    option("-f, --from <address>", "the envelope sender (default: the null sender, so that nothing bounces)"),
  ]);
  addGroup(command, "checking", [
    option("--inbox <maildir>", "where messages to the recipient arrive, to compare them"),
    listOption("--only <id>", "run only this case, or those whose ids begin like this, such as 6/"),
    listOption("--skip <id>", "do not run these, likewise"),
    option("--list", "print the cases, and run none"),
    option("--large", "also send a message of 64 MiB"),
    option("--slow", "also wait until a silent connection is closed, for an hour at most"),
    option("--strict", "count requirements that a server should keep as those that it must keep"),
  ]);
  addGroup(command, "times", [
    secondsOption("--connect-timeout <s>", "seconds to connect to each server", 60),
    secondsOption("--wait <s>", "how long to wait for what should not come", 0.5),
    secondsOption("--timeout <s>", "how long to wait for a response", 10),
  ]);
  addGroup(command, "output", [
    option("--json", "print one JSON object"),
    option("--junit <file>", "also write a test report in the form of JUnit"),
    ...transcriptOptions(),
    option("--no-color", "no colour and no spinner, even on a terminal"),
  ]);
  command.addHelpText("after", HELP);
}
