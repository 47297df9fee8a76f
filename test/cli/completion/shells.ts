import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { isInstalled, PROGRAMS } from "../../support/installed.ts";
import { environment, finished, LAUNCHER, printed, start, startGroup } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

export type Shell = "bash" | "zsh" | "fish";

/** Whether to skip the tests in a shell, with a note. In CI they fail instead. */
export function skipsShell(shell: Shell): boolean {
  if (isInstalled(shell) || process.env.CI) return false;
  console.log(`skipped: completion in ${shell} (needs the Debian package ${shell})`);
  return true;
}

/**
 * Ctrl-T prints the line and clears it; Ctrl-O inserts all completions.
 *
 * PROMPT_SP is off because zsh then writes a blank per column before each prompt. 10,000 take the terminal a while, and
 * in about one run of ten the prompt after them was lost: probably because `<(qmtp ...)` ended meanwhile, and its SIGCHLD
 * interrupted the write.
 */
const RUN_COMMANDS: Readonly<Record<"bash" | "zsh", string>> = {
  bash: `
    show() { printf '\\n<<%s>>\\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }
    bind -x '"\\C-t": show'
    bind '"\\C-o": insert-completions'`,
  zsh: `
    unsetopt PROMPT_SP
    show() { print -r -- $'\\n'"<<$BUFFER>>"; BUFFER=; }
    zle -N show; bindkey -e; bindkey '^T' show
    zle -C all complete-word _generic; bindkey '^O' all
    zstyle ':completion:all:*' completer _all_matches _complete
    zstyle ':completion:all:*' insert yes`,
};

/** How the help says to load the script. */
const SETUP = {
  bash: "source <(qmtp completion bash)",
  zsh: "autoload -U compinit; compinit -u -D; source <(qmtp completion zsh)",
};

export interface TypedInto {
  /** The line after these keys. */
  line(keys: string): Promise<string>;
  /** All completions at the end of a line; each begins with its last word. */
  offered(line: string): Promise<string[]>;
}

/** Starts an interactive shell on a pseudo-terminal, with its own home. `stopAll` ends it. */
export async function typedInto(
  shell: "bash" | "zsh",
  cwd: string,
  setup: string = SETUP[shell],
): Promise<TypedInto> {
  const home = temporaryFolder();
  writeFileSync(`${home}/.${shell}rc`, `${setup}\n${RUN_COMMANDS[shell]}\nPS1='RE''ADY>'\n`);
  const interactive = { bash: `bash --noprofile --rcfile ${home}/.bashrc -i`, zsh: "zsh -d -i" }[shell];
  const command = `stty rows 50 cols 10000; exec ${interactive}`;
  const child = startGroup("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd,
    env: shellEnvironment(home, { TERM: "xterm", ZDOTDIR: home }),
    stdio: "pipe",
  });
  child.stdin?.on("error", () => {});
  await printed(child.stdout, /READY>/);
  const line = async (keys: string) => {
    const shown = printed(child.stdout, /<<([\s\S]*?)>>/);
    child.stdin?.write(`${keys}\x14`);
    return ((await shown)[1] as string).trimEnd();
  };
  const offered = async (before: string) => {
    const words = await line(`${before}\x0f`);
    const kept = before.slice(0, before.lastIndexOf(" ") + 1);
    return words.slice(kept.length).trim().split(/\s+/);
  };
  return { line, offered };
}

/** What fish offers at the end of each line. */
export async function offeredByFish(lines: readonly string[], cwd: string): Promise<string[][]> {
  const script = 'qmtp completion fish | source; for one in $argv; complete -C "$one"; echo "<end>"; end';
  const child = start("fish", ["--no-config", "-c", script, "--", ...lines], {
    cwd,
    env: shellEnvironment(temporaryFolder()),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout, stderr } = await finished(child);
  if (stderr !== "") throw new Error(stderr);
  const blocks = stdout.split("<end>\n").slice(0, -1);
  return blocks.map((block) =>
    block
      .split("\n")
      .filter(Boolean)
      .map((one) => one.replace(/\t.*/, "")),
  );
}

/** An environment with an empty home and the launcher as `qmtp`. */
function shellEnvironment(home: string, added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  mkdirSync(`${home}/bin`);
  symlinkSync(LAUNCHER, `${home}/bin/qmtp`);
  return environment({ HOME: home, PATH: `${home}/bin:${PROGRAMS}`, LC_ALL: "C.UTF-8", ...added });
}
