import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

/** A script for zsh, to be sourced, or installed as `_qmtp` in a directory of `$fpath`. */
export function zshScript({ commands, options, launchers }: CompletedProgram): string {
  const programs = ["qmtp", ...launchers.map(({ name }) => name)].join(" ");
  return `#compdef ${programs}
# zsh completion for qmtp; use: source <(qmtp completion zsh)

_qmtp() {
    case $service in
${launchers.map((launcher) => commandCase(launcher, 8)).join("\n")}
        *) _qmtp_command ;;
    esac
}

_qmtp_command() {
    local curcontext=$curcontext state line
    local -A opt_args
    local -a commands=(
${commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join("\n")}
    )
    _arguments -C \\
${options.map((option) => `        ${specOf(option)} \\`).join("\n")}
        '1:command:->command' \\
        '*::argument:->argument'
    case $state in
        command) _describe command commands ;;
        argument)
            case $line[1] in
${commands.map((command) => commandCase(command, 16)).join("\n")}
            esac
            ;;
    esac
}

_qmtp_endpoint() {
    if compset -P unix:; then
        _files
    else
        compadd -S '' "$@"
    fi
}

if [[ $funcstack[1] == _qmtp ]]; then
    _qmtp "$@"
else
    compdef _qmtp ${programs}
fi
`;
}

/** @param indent columns to indent by */
function commandCase({ name, options, operands }: CompletedCommand, indent: number): string {
  const last = operands.length - 1;
  const places = operands.map(
    (value, index) => `'${index === last ? "*" : index + 1}:${value.kind}:${operandAction(value)}'`,
  );
  const specs = [...options.map(specOf), ...places].map((spec) => `        ${spec}`);
  const lines = [`${name})`, "    _arguments -s \\", ...specs.join(" \\\n").split("\n"), "    ;;"];
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/** Lets every option be repeated, because many can be. */
function specOf({ short, long, summary, value }: CompletedOption): string {
  const rest = quoted(`[${summary}]${value === undefined ? "" : `:${value.kind}:${action(value)}`}`);
  const flags = [short && short + (value ? "+" : ""), long && long + (value ? "=" : "")].filter(Boolean);
  return flags.length === 1 ? `'*'${flags[0]}${rest}` : `'*'{${flags.join(",")}}${rest}`;
}

/** An operand of any text must reject words that begin like an option; otherwise zsh does not complete options there. */
function operandAction(value: Value): string {
  return value.kind === "text" ? '_guard "^-*" text' : action(value);
}

function action(value: Value): string {
  switch (value.kind) {
    case "choice":
      return `(${value.choices.join(" ")})`;
    case "endpoint":
      return `_qmtp_endpoint ${value.prefixes.map((prefix) => prefix.replaceAll(":", "\\:")).join(" ")}`;
    case "file":
      return "_files";
    case "folder":
      return "_path_files -/";
    case "text":
      return " ";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
