import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

/** A script for bash 4.2 and newer; it does not need the package bash-completion. */
export function bashScript({ commands, options, launchers }: CompletedProgram): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion for qmtp; use: source <(qmtp completion bash)

_qmtp() {
    local line=\${COMP_LINE:0:COMP_POINT} token i current previous word
    local -a words=()
    # The words as the shell splits them: readline also splits at colons, which endpoints contain.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        token=\${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            words[\${#words[@]} - 1]+=\${token:0:\${#line}}
        else
            line=\${line#"\${line%%[![:space:]]*}"}
            words+=("\${token:0:\${#line}}")
        fi
        line=\${line#"$token"}
    done
    word=\${words[\${#words[@]} - 1]}
    current=$word
    previous=\${words[\${#words[@]} - 2]}
    if [[ $word == --*=* ]]; then
        previous=\${word%%=*}
        current=\${word#*=}
    fi
    # Remove quotes and backslashes; readline adds those that are needed.
    current=\${current#[\\"\\']}
    current=\${current//\\\\/}
    COMPREPLY=()
    case \${words[0]##*/} in
${launchers.map((launcher) => commandCase(launcher, 8)).join("\n")}
        *) _qmtp_command ;;
    esac
    _qmtp_trim
}

_qmtp_command() {
    if ((\${#words[@]} <= 2)); then
        _qmtp_words "${[...names, ...flagsOf(options)].join(" ")}"
    else
        case \${words[1]} in
${commands.map((command) => commandCase(command, 12)).join("\n")}
        esac
    fi
}

_qmtp_words() {
    COMPREPLY=($(compgen -W "$1" -- "$current"))
}

_qmtp_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}

_qmtp_endpoint() {
    if [[ $current == unix:* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -P unix: -f -- "\${current#unix:}")
    else
        compopt -o nospace
        _qmtp_words "$1"
    fi
}

# To readline, the text before the last colon or equals sign is a separate word, which it keeps.
_qmtp_trim() {
    local breaks="" head=""
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    [[ -n $breaks && $current == *[$breaks]* ]] && head=\${current%"\${current##*[$breaks]}"}
    [[ -n $head ]] && COMPREPLY=("\${COMPREPLY[@]#"$head"}")
    [[ $word == --*=* && $breaks != *=* ]] && COMPREPLY=("\${COMPREPLY[@]/#/\${word%%=*}=}")
    return 0
}

complete -F _qmtp ${["qmtp", ...launchers.map(({ name }) => name)].join(" ")}
`;
}

/** @param indent columns to indent by */
function commandCase(command: CompletedCommand, indent: number): string {
  const { name, options } = command;
  const values = options.flatMap(({ short, long, value }) => {
    const flags = [short, long].filter((flag) => flag !== undefined).join(" | ");
    return value === undefined ? [] : [`${flags}) ${action(value)} ;;`];
  });
  const flags = flagsOf(options).join(" ");
  const otherwise = `if [[ $current == -* ]]; then _qmtp_words "${flags}"; else ${operandAction(command)}; fi`;
  const lines = [
    `${name})`,
    "    case $previous in",
    ...[...values, `*) ${otherwise} ;;`].map((line) => `        ${line}`),
    "    esac",
    "    ;;",
  ];
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

function operandAction({ operands, onlyOperands }: CompletedCommand): string {
  if (!onlyOperands) return action(operands.find(({ kind }) => kind !== "text") ?? { kind: "text" });
  const places = operands.map((operand, at) => `${at + 2}) ${action(operand)} ;;`);
  return `case \${#words[@]} in ${places.join(" ")} esac`;
}

function action(value: Value): string {
  switch (value.kind) {
    case "choice":
      return `_qmtp_words "${value.choices.join(" ")}"`;
    case "endpoint":
      return `_qmtp_endpoint "${value.prefixes.join(" ")}"`;
    case "file":
      return "_qmtp_files -f";
    case "folder":
      return "_qmtp_files -d";
    case "text":
      return ":";
  }
}

function flagsOf(options: readonly CompletedOption[]): string[] {
  return options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));
}
