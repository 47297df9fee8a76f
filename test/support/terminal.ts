import { environment, type Finished, finished, LAUNCHER, startGroup } from "./processes.ts";

/** The environment of a capable terminal, without CI, which ora checks. */
const LIVELY = { TERM: "xterm", CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };

/**
 * Runs a shell command on a pseudo-terminal; in it, `$QMTP` is the launcher. Everything it prints to the terminal, on
 * any stream, is in `stdout`, with CRLF line ends.
 * @param typed what is typed on the terminal before the end of file
 * @param columns the terminal's width; `script` sets 0 if it has no terminal to copy from
 */
export function onTerminal(
  command: string,
  env: NodeJS.ProcessEnv = {},
  typed = "",
  columns = 80,
): Promise<Finished> {
  const sized = `stty rows 24 cols ${columns}; ${command}`;
  const child = startGroup("script", ["--quiet", "--return", "--command", sized, "/dev/null"], {
    env: environment({ ...LIVELY, QMTP: LAUNCHER, ...env }),
    stdio: "pipe",
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(typed);
  return finished(child);
}
