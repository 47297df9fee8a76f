import type { Argument, Command, Option } from "commander";

/** The completions for a word of the command line. */
export type Value =
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "endpoint"; readonly prefixes: readonly string[] }
  | { readonly kind: "file" | "folder" | "text" };

export interface CompletedOption {
  readonly short: string | undefined;
  readonly long: string | undefined;
  /** Short; contains no character special to a shell except apostrophes. */
  readonly summary: string;
  /** Undefined if the option has no value. */
  readonly value: Value | undefined;
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** The operands; the last entry also applies to all that follow. */
  readonly operands: readonly Value[];
  /** Whether it has only operands, in fixed positions. */
  readonly onlyOperands?: boolean;
}

/** Everything that a script completes. */
export interface CompletedProgram {
  readonly commands: readonly CompletedCommand[];
  /** Options before a command. */
  readonly options: readonly CompletedOption[];
  readonly launchers: readonly CompletedCommand[];
}

const PREFIXES = ["qmtp://", "qmtps://", "mx:", "unix:/", "exec:", "ucspi:"];
const NOT_LISTENING = ["exec:", "mx:"];

const KINDS: Readonly<Record<string, "file" | "folder">> = {
  file: "file",
  path: "file",
  dir: "folder",
  maildir: "folder",
};

/** The commands of a program, with their options and operands. */
export function describeCommands(program: Command): CompletedCommand[] {
  const commands = program.createHelp().visibleCommands(program);
  const names = commands.map((command) => command.name());
  return commands.map((command) => describeCommand(command, names));
}

/** @param names the names of all commands, for an operand that is one of them */
export function describeCommand(command: Command, names: readonly string[] = []): CompletedCommand {
  return {
    name: command.name(),
    summary: summaryOf(command.description()),
    options: optionsOf(command),
    operands: command.registeredArguments.map((argument) => operandValue(argument, names)),
  };
}

function operandValue(argument: Argument, commands: readonly string[]): Value {
  const name = argument.name();
  // A host may be a domain whose server DNS names.
  if (name === "host") return valueNamed(argument.description.includes("endpoint") ? "endpoint" : "");
  return valueNamed(name, name === "command" ? commands : argument.argChoices);
}

export function optionsOf(command: Command): CompletedOption[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      short: option.short,
      long: option.long,
      summary: summaryOf(option.description),
      value: option.required ? optionValue(option) : undefined,
    }));
}

function optionValue(option: Option): Value {
  const name = /<(.+?)>/.exec(option.flags)?.[1] ?? "";
  if (name === "endpoint" && option.long === "--listen") {
    return { kind: "endpoint", prefixes: PREFIXES.filter((prefix) => !NOT_LISTENING.includes(prefix)) };
  }
  return valueNamed(name, option.argChoices);
}

function valueNamed(name: string, choices?: readonly string[]): Value {
  if (choices !== undefined) return { kind: "choice", choices };
  if (name === "endpoint") return { kind: "endpoint", prefixes: PREFIXES };
  return { kind: KINDS[name] ?? "text" };
}

/** Characters of a summary: people read no more while they type a command line. */
const MAX_SUMMARY = 80;

/** The first clause, or two if they are short. */
function summaryOf(description: string): string {
  const [clause] = description.split(/[;(]/, 1) as [string];
  const summary = clause.trim().length > MAX_SUMMARY ? (clause.split(":", 1)[0] as string) : clause;
  return summary
    .trim()
    .replaceAll(":", ",")
    .replace(/[^\w ,.'/-]/g, "");
}
