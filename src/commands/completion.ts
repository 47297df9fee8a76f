import { Argument, type Command } from "commander";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { completedCommands, optionsOf } from "../completion/tree.ts";
import { zshScript } from "../completion/zsh.ts";
import type { Context } from "../context.ts";
import { writePieces } from "../report/write.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

const EXAMPLES = `
Examples:
  source <(qmtp completion bash)         # in ~/.bashrc
  source <(qmtp completion zsh)          # in ~/.zshrc, behind compinit
  qmtp completion fish | source          # in ~/.config/fish/config.fish`;

/**
 * `qmtp completion`: a script that completes command lines in a shell.
 * @param wholeTree the program with the options of all commands
 */
export function declareCompletion(
  command: Command,
  context: Context,
  wholeTree: () => Promise<Command>,
): void {
  command
    .addArgument(new Argument("<shell>", "the shell that it is for").choices(Object.keys(SCRIPTS)))
    .addHelpText("after", EXAMPLES)
    .action(async (shell: keyof typeof SCRIPTS) => {
      const program = await wholeTree();
      await writePieces(context.stdout, [SCRIPTS[shell](completedCommands(program), optionsOf(program))]);
    });
}
