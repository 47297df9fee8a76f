import { Command, type Option } from "commander";
import { version } from "../../package.json";
import type { ExitMeaning } from "../report/exit-tables.ts";
import type { CommandEntry, CommandModule, Launcher } from "./command.ts";
import type { Context } from "./context.ts";
import { GROUPS, option } from "./options/kinds.ts";
import { OrderedCommand } from "./ordered-command.ts";

type Streams = Pick<Context, "stdout" | "stderr">;

/** The commander command with its options and help. */
export function buildCommand(
  { summary, exitCodes }: CommandEntry,
  name: string,
  { declare }: CommandModule,
  context: Streams,
): Command {
  const command = configure(new OrderedCommand(name).description(summary), name, context);
  command.addHelpText("after", exitCodesText(exitCodes.meanings));
  // Every command has --version, but only the program's help lists it.
  for (const known of command.options) known.hideHelp();
  command.addHelpOption(helpOption().helpGroup(GROUPS.output));
  declare(command);
  const grouped = command.options.some((known) => known.helpGroupHeading !== undefined);
  if (!grouped) command.addHelpOption(helpOption());
  return command;
}

/** The commander command of a launcher that accepts only operands. */
export function buildLauncher(
  { summary, exitCodes }: CommandEntry,
  name: string,
  launcher: Launcher,
  context: Streams,
): Command {
  const command = configure(new Command(name).description(launcher.summary ?? summary), name, context);
  command.usage((launcher.operands ?? []).map(([operand]) => operand).join(" "));
  for (const [operand, description] of launcher.operands ?? []) command.argument(operand, description);
  return command
    .addHelpText("after", exitCodesText(exitCodes.meanings))
    .addHelpText("after", `\nSee ${name}(${launcher.section ?? 1}).`);
}

/** The program itself: its help lists all commands. */
export function buildOverview(entries: readonly CommandEntry[], context: Streams): Command {
  const program = configure(new Command("qmtp"), "qmtp", context)
    .description("Command-line client for the Quick Mail Transfer Protocol (QMTP)")
    .usage("<command> [options]")
    .enablePositionalOptions()
    .helpCommand("help [command]", "print a command's help")
    .addHelpText("after", "\nqmtp <command> --help lists a command's options; qmtp man shows the manual.");
  for (const { name, summary } of entries) program.command(name).description(summary);
  return program;
}

/** The settings that the program, its commands and its launchers share. */
function configure<C extends Command>(command: C, name: string, context: Streams): C {
  command
    .exitOverride()
    .addHelpOption(helpOption())
    .showSuggestionAfterError(false)
    .version(`${name.split(" ", 1)} ${version}`, "--version", "print the version")
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // program.ts prints errors.
      outputError: () => {},
    });
  return command;
}

function helpOption(): Option {
  return option("-h, --help", "print this help");
}

function exitCodesText(meanings: readonly ExitMeaning[]): string {
  const width = Math.max(...meanings.map(([code]) => String(code).length));
  const rows = meanings.map(([code, meaning]) => `  ${String(code).padEnd(width)}  ${meaning}`);
  return `\nExit codes:\n${rows.join("\n")}`;
}
