import type { Command, CommanderError } from "commander";

/** Rewords commander's error about a command line. */
export function usageMessage(error: CommanderError, command: Command): string {
  const [, quoted = ""] = /'([^']*)'/.exec(error.message) ?? [];
  switch (error.code) {
    case "commander.unknownOption":
      return `unknown option '${quoted}'${suggestion(quoted, flagsOf(command))}`;
    case "commander.unknownCommand":
      return `unknown command '${quoted}'${suggestion(
        quoted,
        command.commands.map((one) => one.name()),
      )}`;
    case "commander.missingArgument":
      return `missing argument <${quoted}>`;
    case "commander.optionMissingArgument":
      return `option '${quoted}' needs a value`;
    case "commander.excessArguments":
      return `unexpected argument '${command.args[command.registeredArguments.length]}'`;
    case "commander.invalidArgument":
      return invalidValue(error.message);
    default:
      return error.message.replace(/^error: /, "");
  }
}

/** More choices than a line should list. */
const MANY = 20;

/** The message for a value that is not one of those allowed. */
function invalidValue(message: string): string {
  const [, flags, value] = /option '(.+?)' argument '(.*)' is invalid/s.exec(message) ?? [];
  const [, operand, name] = /value '(.*)' is invalid for argument '(.+?)'/s.exec(message) ?? [];
  const choices = /Allowed choices are (.+?)\.$/s.exec(message)?.[1] ?? "";
  const list = choices.split(", ");
  if (flags !== undefined && list.length > MANY) {
    return `option '${flags}' does not accept '${value}'${suggestion(value ?? "", list)}`;
  }
  const wanted = choices.replace(/, (?=[^,]*$)/, " or ");
  if (flags !== undefined) return `option '${flags}' does not accept '${value}': write ${wanted}`;
  return `argument <${name}> does not accept '${operand}': write ${wanted}`;
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}

function suggestion(word: string, known: readonly string[]): string {
  const [flag = ""] = word.split("=", 1);
  const close = known.find((one) => isTypo(flag, one));
  return close === undefined ? "" : ` (did you mean ${close}?)`;
}

/** Whether a word is a name with one character missing, added or replaced, or with two swapped. */
function isTypo(word: string, known: string): boolean {
  let start = 0;
  while (start < word.length && word[start] === known[start]) start++;
  let end = 0;
  while (end < Math.min(word.length, known.length) - start && word.at(-1 - end) === known.at(-1 - end)) end++;
  const [left, right] = [word.slice(start, word.length - end), known.slice(start, known.length - end)];
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left === `${right[1]}${right[0]}`;
}
