import { Argument, type Command } from "commander";
import { buildCommand, buildLauncher, buildOverview } from "../cli/build-command.ts";
import type { CommandEntry, CommandModule, CommandTable } from "../cli/command.ts";
import { bashScript } from "../cli/completion/bash.ts";
import { fishScript } from "../cli/completion/fish.ts";
import {
  type CompletedCommand,
  describeCommand,
  describeCommands,
  optionsOf,
} from "../cli/completion/tree.ts";
import { zshScript } from "../cli/completion/zsh.ts";
import type { Context } from "../cli/context.ts";
import { EXIT } from "../report/exit-tables.ts";
import { writePieces } from "../report/write.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
type Shell = keyof typeof SCRIPTS;

const EXAMPLES = `
Examples:
  source <(qmtp completion bash)         # in ~/.bashrc
  source <(qmtp completion zsh)          # in ~/.zshrc, after compinit
  qmtp completion fish | source          # in ~/.config/fish/config.fish`;

/**
 * `qmtp completion`: prints a script that completes command lines in a shell.
 * @param table the commands and launchers to complete
 */
export function completionFor(table: CommandTable): CommandModule {
  return {
    declare: (command) => {
      command
        .addArgument(new Argument("<shell>", "the shell to complete in").choices(Object.keys(SCRIPTS)))
        .addHelpText("after", EXAMPLES);
    },
    read: (_, [shell]) => shell as Shell,
    run: async (shell: Shell, context) => {
      const program = await buildTree(table.commands, context);
      const script = SCRIPTS[shell]({
        commands: describeCommands(program),
        options: optionsOf(program),
        launchers: await launchersOf(table, context),
      });
      await writePieces(context.stdout, [script]);
      return EXIT.success;
    },
  };
}

/** The program with all commands and their options. */
async function buildTree(entries: readonly CommandEntry[], context: Context): Promise<Command> {
  const program = buildOverview([], context);
  for (const entry of entries) {
    program.addCommand(buildCommand(entry, entry.name, await entry.load(), context));
  }
  return program;
}

/** The launchers, with the options of their commands or with their own operands. */
function launchersOf({ commands, launchers }: CommandTable, context: Context): Promise<CompletedCommand[]> {
  return Promise.all(
    Object.entries(launchers).map(async ([name, launcher]) => {
      const entry = commands.find((one) => one.name === launcher.command) as CommandEntry;
      if (launcher.operands === undefined) {
        return describeCommand(buildCommand(entry, name, await entry.load(), context));
      }
      return { ...describeCommand(buildLauncher(entry, name, launcher, context)), onlyOperands: true };
    }),
  );
}
