import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

/**
 * Functions that test for a command and for the position of an operand, and one that completes endpoints: prefixes,
 * and files after `unix:`.
 */
const FUNCTIONS = `function __qmtp_command
    set -l words (commandline -opc)
    test "$words[2]" = $argv[1]
end

function __qmtp_operand
    set -l words (commandline -opc)
    test (count $words) -eq $argv[1]
end

function __qmtp_endpoint
    set -l token (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    if string match -q 'unix:*' -- $token
        set -l start (string sub -s 6 -- $token)
        for file in $start*
            test -d $file; and set file $file/
            echo unix:$file
        end
    else
        printf '%s\\n' $argv
    end
end`;

/** A script for fish 3 and newer. */
export function fishScript({ commands, options, launchers }: CompletedProgram): string {
  const lines = [
    "# fish completion for qmtp; use: qmtp completion fish | source",
    FUNCTIONS,
    "complete -c qmtp -f",
    ...options.map((option) => `complete -c qmtp -n __fish_use_subcommand ${optionOf(option)}`),
    ...commands.map(
      ({ name, summary }) => `complete -c qmtp -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...commands.flatMap((command) =>
      commandLines(command, `complete -c qmtp -n '__qmtp_command ${command.name}'`),
    ),
    ...launchers.flatMap((launcher) => [
      `complete -c ${launcher.name} -f`,
      ...commandLines(launcher, `complete -c ${launcher.name}`),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** @param start the start of each line, with its condition */
function commandLines(command: CompletedCommand, start: string): string[] {
  return [
    ...operandLines(command, start),
    ...command.options.map((option) => `${start} ${optionOf(option)}`),
  ];
}

function operandLines({ operands, onlyOperands }: CompletedCommand, start: string): string[] {
  const known = operands
    .map((operand, at) => ({ operand, at }))
    .filter(({ operand }) => operand.kind !== "text");
  if (onlyOperands) {
    return known.map(({ operand, at }) => `${start} -n '__qmtp_operand ${at + 1}' ${valueSpec(operand)}`);
  }
  return known.slice(0, 1).map(({ operand }) => `${start} ${valueSpec(operand)}`);
}

function optionOf({ short, long, summary, value }: CompletedOption): string {
  const names = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`].filter(Boolean).join(" ");
  const argument =
    value === undefined ? "" : `${value.kind === "file" ? "-r " : "-x "}${valueSpec(value)}`.trimEnd();
  return `${[names, argument].filter(Boolean).join(" ")} -d ${quoted(summary)}`;
}

function valueSpec(value: Value): string {
  switch (value.kind) {
    case "choice":
      return `-a '${value.choices.join(" ")}'`;
    case "endpoint":
      return `-a '(__qmtp_endpoint ${value.prefixes.join(" ")})'`;
    case "file":
      return "-F";
    case "folder":
      return "-a '(__fish_complete_directories)'";
    case "text":
      return "";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
