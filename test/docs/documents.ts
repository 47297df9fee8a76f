import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { Command, Option } from "commander";
import manifest from "../../package.json" with { type: "json" };
import type { Context } from "../../src/context.ts";
import { buildProgram } from "../../src/program.ts";
import { type ExitTable, QUEUE_TABLE, QUEUE_TOLD, SENDMAIL_TABLE } from "../../src/report/exit-code.ts";

/** Of the launchers that stand in for an interface of others. */
export const EXIT_CODES: Readonly<Record<string, readonly number[]>> = {
  "qmail-qmtpc": codesOf(QUEUE_TABLE, QUEUE_TOLD),
  "qmtp-sendmail": codesOf(SENDMAIL_TABLE),
};
export const ROOT = new URL("../..", import.meta.url).pathname;
export const readme = readFileSync(`${ROOT}README.md`, "utf8");
export const man = page("man/qmtp.1");
/** Those beside qmtp, with their man pages. */
export const launchers = manifest.man
  .map((path) => /^man\/(?<name>.+)\.(?<chapter>\d)$/.exec(path)?.groups as { name: string; chapter: string })
  .slice(1)
  .map(({ name, chapter }) => ({ name, chapter, path: `man/${name}.${chapter}` }));

/** Launchers in whose place a command stands, with all of its options. */
const COMMAND_OF: Readonly<Record<string, string>> = { "qmtp-sendmail": "sendmail" };

export const program = await treeFor("");
export const commands = await Promise.all(
  program.commands.map((command) => command.name()).map(async (name) => found(await treeFor(name), name)),
);

function codesOf(table: ExitTable, ...others: number[]): number[] {
  const { success, failure, deferral, otherwise, problems } = table;
  const codes = new Set([success, failure, deferral, otherwise, ...Object.values(problems), ...others]);
  return [...codes].toSorted((a, b) => a - b);
}

/** A man page; `\-` and the like keep what is copied from a formatted page ASCII. */
export function page(path: string): string {
  return readFileSync(`${ROOT}${path}`, "utf8").replaceAll("\\-", "-").replaceAll("\\(aq", "'");
}

/** A command's options are declared only in the tree that is built for it. */
function treeFor(command: string): Promise<Command> {
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const context: Context = {
    name: "qmtp",
    args: [command],
    env: {},
    stdin: Readable.from([]),
    stdout: nowhere(),
    stderr: nowhere(),
    interrupted: new AbortController().signal,
    groups: new Set(),
    signalGroup: () => {},
  };
  return buildProgram(context, () => {});
}

function found(tree: Command, name: string): Command {
  return tree.commands.find((command) => command.name() === name) as Command;
}

/** The options of a command, with the one for help. */
function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** `-f` and `--from`. */
function flagsOf(option: Option): string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined);
}

export function flagsOfAll(list: readonly Command[]): Set<string> {
  return new Set(list.flatMap(optionsOf).flatMap(flagsOf));
}

/** The lines of the man page between a heading and the next one of the same or a higher rank. */
export function section(macro: "Sh" | "Ss", title: string, of = man): string {
  const [, text] = of.split(new RegExp(`^\\.${macro} ${title}\n`, "m"));
  return (text ?? "").split(macro === "Sh" ? /^\.Sh /m : /^\.S[hs] /m)[0] as string;
}

/** `.It` macros with what stands below each, up to the next one. */
export function items(text: string): { head: string; body: string }[] {
  return text
    .split(/^\.It /m)
    .slice(1)
    .map((item) => {
      const end = item.indexOf("\n");
      return { head: item.slice(0, end), body: (item.slice(end + 1).split(/^\.El$/m)[0] as string).trim() };
    });
}

/** The options that macros name: `Fl f` is `-f`, `Fl -from` is `--from`. */
export function flagsIn(text: string): string[] {
  const macros = text.split("\n").filter((line) => line.startsWith("."));
  return macros.flatMap((line) =>
    [...line.matchAll(/\bFl (-?[a-zA-Z0-9][a-zA-Z0-9-]*)/g)].map((match) => `-${match[1]}`),
  );
}

/** Options in a command line, and in what surrounds one; `-vv` is `-v`. */
export function flagsInWords(text: string): string[] {
  return [...text.matchAll(/(?<![\w'-])(--[a-z][a-z0-9-]*|-[a-zA-Z0-9]+)(?![\w-])/g)].flatMap(([flag]) =>
    flag.startsWith("--") ? [flag] : [...flag.slice(1)].map((letter) => `-${letter}`),
  );
}

interface CommandLine {
  readonly name: string;
  readonly flags: readonly string[];
}

/** What follows `qmtp`, or a launcher for one of its commands, up to a pipe, a redirection or a comment. */
export function commandLines(text: string): CommandLine[] {
  const lines = text.replaceAll(/\\e?\n/g, " ").split(/\n|\||&&|;| [<>#] /);
  return lines.flatMap((line) => {
    const [, command, launcher = "", rest = ""] =
      /(?:^|[\s/(=])(?:qmtp ([a-z]+)|(qmtp-[a-z]+)(?=["\s]))(.*)$/.exec(line) ?? [];
    const name = command ?? COMMAND_OF[launcher];
    return name === undefined ? [] : [{ name, flags: flagsInWords(rest) }];
  });
}

/** Code blocks, then code spans, of Markdown. */
export function codeOf(markdown: string): { blocks: string[]; spans: string[] } {
  const fence = /^```\w*\n(.*?)^```$/gms;
  const blocks = [...markdown.matchAll(fence)].map((match) => match[1] as string);
  const spans = [...markdown.replaceAll(fence, "").matchAll(/`([^`\n]+)`/g)].map(
    (match) => match[1] as string,
  );
  return { blocks, spans };
}

/** What is wrong with command lines: a command or an option that does not exist. */
export function unknownIn(lines: readonly CommandLine[]): string[] {
  return lines.flatMap(({ name, flags }) => {
    const command = [...commands, program].find((one) => one.name() === name);
    if (command === undefined) return name === "help" ? [] : [`qmtp ${name}`];
    const known = flagsOfAll([command]);
    return flags.filter((flag) => !known.has(flag)).map((flag) => `qmtp ${name} ${flag}`);
  });
}
