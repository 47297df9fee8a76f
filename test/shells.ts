import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { isInstalled, PROGRAMS } from "./installed.ts";
import { environment, finished, LAUNCHER, printed, start, startGroup } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export type Shell = "bash" | "zsh" | "fish";

/** Whether tests in a shell are to be skipped; says so. In CI, they fail instead. */
export function skipsShell(shell: Shell): boolean {
  if (isInstalled(shell) || process.env.CI) return false;
  console.log(`skipped: completion in ${shell}, for want of this Debian package: ${shell}`);
  return true;
}

/** Ctrl-T shows the line and empties it; Ctrl-O puts all that is offered into it. */
const RUN_COMMANDS: Readonly<Record<"bash" | "zsh", string>> = {
  bash: `
    show() { printf '\\n<<%s>>\\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }
    bind -x '"\\C-t": show'
    bind '"\\C-o": insert-completions'`,
  zsh: `
    show() { print -r -- $'\\n'"<<$BUFFER>>"; BUFFER=; }
    zle -N show; bindkey -e; bindkey '^T' show
    zle -C all complete-word _generic; bindkey '^O' all
    zstyle ':completion:all:*' completer _all_matches _complete
    zstyle ':completion:all:*' insert yes`,
};

/** How the script comes into the shell, as its help tells it. */
const SETUP = {
  bash: "source <(qmtp completion bash)",
  zsh: "autoload -U compinit; compinit -u -D; source <(qmtp completion zsh)",
};

export interface TypedInto {
  /** The line as it stands after these keys. */
  line(keys: string): Promise<string>;
  /** All that is offered at the end of a line; its last word is the beginning of each. */
  offered(line: string): Promise<string[]>;
}

/** An interactive shell on a pseudo-terminal, with a home of its own. It ends with `stopAll`. */
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

/** What fish offers at the ends of lines. */
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

/** With a home that has nothing, and the launcher as `qmtp`. */
function shellEnvironment(home: string, added: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  mkdirSync(`${home}/bin`);
  symlinkSync(LAUNCHER, `${home}/bin/qmtp`);
  return environment({ HOME: home, PATH: `${home}/bin:${PROGRAMS}`, LC_ALL: "C.UTF-8", ...added });
}
