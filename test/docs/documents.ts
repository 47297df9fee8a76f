import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Writable } from "node:stream";
import type { Command, Option } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { buildCommand, buildOverview } from "../../src/cli/build-command.ts";
import { COMMAND_TABLE } from "../../src/command-table.ts";
import { CODES } from "../../src/errors.ts";

export const ROOT = new URL("../..", import.meta.url).pathname;

/** The exit codes of each command, with what they mean. */
export const EXIT_MEANINGS = Object.fromEntries(
  COMMAND_TABLE.commands.map(({ name, exitCodes }) => [name, exitCodes.meanings]),
);

/** The command that each launcher runs. */
const COMMAND_OF: Readonly<Record<string, string>> = {
  maildirqmtp: "maildir",
  serialqmtp: "serial",
  "qmail-qmtpc": "queue",
  "qmtp-sendmail": "sendmail",
  "qmtp-remote": "remote",
  "nullmailer-qmtp": "nullmailer",
};

export interface Page {
  /** `qmtp-send`. */
  readonly name: string;
  /** `man/qmtp-send.1`. */
  readonly path: string;
  readonly chapter: string;
  /** With `\-` and `\(aq`, which keep text copied from a formatted page ASCII, as plain characters. */
  readonly text: string;
}

const files = manifest.man.map(readPage);
/** Pages that only include another with `.so`; `target` is the other. */
export const stubs = files.flatMap((page) => {
  const [, target] = /^\.so man\d\/(.+)\n$/.exec(page.text) ?? [];
  return target === undefined ? [] : [{ ...page, target: `man/${target}` }];
});
export const pages = files.filter(({ text }) => !text.startsWith(".so "));
export const overview = pageNamed("qmtp");

/** The launchers beside qmtp; `path` is the man page of that name, `page` the one that describes it. */
export const launchers = Object.keys(manifest.bin)
  .filter((name) => name !== "qmtp")
  .map((name) => {
    const { path, chapter } = files.find((file) => file.name === name) as Page;
    const command = COMMAND_OF[name] as string;
    return { name, path, chapter, command, page: pageNamed(`qmtp-${command}`) };
  });

export const readme = readFileSync(`${ROOT}README.md`, "utf8");
const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const streams = { stdout: nowhere(), stderr: nowhere() };
export const program = buildOverview(COMMAND_TABLE.commands, streams);
export const commands = await Promise.all(
  COMMAND_TABLE.commands.map(async (entry) => buildCommand(entry, entry.name, await entry.load(), streams)),
);

/** Codes of errors that end a command before it has recipients to report. */
const BEFORE_RECIPIENTS = [
  "usage",
  "bad-header",
  "bad-envelope",
  "address-too-long",
  "envelope-too-large",
  "unreadable-input",
  "unwritable-file",
  "unwritable-spool",
  "unwritable-report",
  "unwritable-trace",
  "unreadable-configuration",
  "unreadable-maildir",
  "unwritable-maildir",
  "maildir-locked",
  "unlockable-maildir",
  "listen-failed",
  "unexpected",
];

/** The codes that `--json` can hold: of errors and of protocol violations. */
export function codesInSource(): { errors: string[]; violations: string[] } {
  const violations = readFileSync(`${ROOT}src/protocol/violation.ts`, "utf8");
  const codes = [...violations.matchAll(/^ +\| "([a-z-]+)"/gm)].map((match) => String(match[1]));
  const ofClients = ["unknown-encoding", "no-recipients", "recipients-overrun"];
  return {
    errors: Object.keys(CODES).filter((code) => !BEFORE_RECIPIENTS.includes(code)),
    violations: codes.filter((code) => !ofClients.includes(code)),
  };
}

function readPage(path: string): Page {
  const [, name = "", chapter = ""] = /^(.+)\.(\d)$/.exec(basename(path)) ?? [];
  const text = readFileSync(`${ROOT}${path}`, "utf8").replaceAll("\\-", "-").replaceAll("\\(aq", "'");
  return { name, chapter, path, text };
}

/** A command without a page of its own is described in the overview. */
export function pageOf(command: string): Page {
  return pages.find(({ name }) => name === `qmtp-${command}`) ?? overview;
}

function pageNamed(name: string): Page {
  return pages.find((page) => page.name === name) as Page;
}

/** The options of a command, including help. */
export function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** `-f` and `--from`. */
export function flagsOf(option: Option): string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined);
}

export function flagsOfAll(list: readonly Command[]): Set<string> {
  return new Set(list.flatMap(optionsOf).flatMap(flagsOf));
}

/** The output of a launcher run without QMTP_* variables. */
export function runLauncher(name: string, args: readonly string[], input: string | Buffer = "") {
  const { QMTP_SERVER: _server, QMTP_FROM: _from, ...env } = process.env;
  return spawnSync(process.execPath, [`${ROOT}bin/${name}`, ...args], { encoding: "utf8", env, input });
}

/** The lines of a page from a heading to the next of the same or higher rank. */
export function section(macro: "Sh" | "Ss", title: string, { text }: Page = overview): string {
  const [, rest] = text.split(new RegExp(`^\\.${macro} ${title}\n`, "m"));
  return (rest ?? "").split(macro === "Sh" ? /^\.Sh /m : /^\.S[hs] /m)[0] as string;
}

/** `.It` macros, each with what follows it up to the next. */
export function items(text: string): { head: string; body: string }[] {
  return text
    .split(/^\.It /m)
    .slice(1)
    .map((item) => {
      const end = item.indexOf("\n");
      return { head: item.slice(0, end), body: (item.slice(end + 1).split(/^\.El$/m)[0] as string).trim() };
    });
}

/** The options that macros name: `Fl f` is `-f`, `Fl -from` is `--from`, `Fl -to , -cc` are two. */
export function flagsIn(text: string): string[] {
  const macros = text.split("\n").filter((line) => line.startsWith("."));
  return macros.flatMap((line) =>
    [...line.matchAll(/\bFl ((?:-?[a-zA-Z0-9][a-zA-Z0-9-]*(?: , (?=-))?)+)/g)].flatMap(([, flags = ""]) =>
      flags.split(" , ").map((flag) => `-${flag}`),
    ),
  );
}

/** Options in a command line or the text around it; `-vv` is `-v`. */
export function flagsInWords(text: string): string[] {
  return [...text.matchAll(/(?<![\w'-])(--[a-z][a-z0-9-]*|-[a-zA-Z0-9]+)(?![\w-])/g)].flatMap(([flag]) =>
    flag.startsWith("--") ? [flag] : [...flag.slice(1)].map((letter) => `-${letter}`),
  );
}

interface CommandLine {
  readonly name: string;
  readonly flags: readonly string[];
}

/** What follows `qmtp`, or a launcher with options, up to a pipe, a redirection or a comment. */
export function commandLines(text: string): CommandLine[] {
  const lines = text.replaceAll(/\\e?\n/g, " ").split(/\n|\||&&|; | [<>#] /);
  return lines.flatMap((line) => {
    const [, command, launcher = "", rest = ""] =
      /(?:^|[\s/(=])(?:qmtp ([a-z]+)|(qmtp-[a-z]+)(?=["\s]))(.*)$/.exec(line) ?? [];
    const name = command ?? COMMAND_OF[launcher];
    return name === undefined ? [] : [{ name, flags: flagsInWords(rest) }];
  });
}

/** What a page shows for typing: its literal blocks. */
export function literals({ text }: Page): string {
  return [...text.matchAll(/^\.Bd -literal[^\n]*\n(.*?)^\.Ed$/gms)].map((match) => match[1]).join("\n");
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

/** Errors in command lines: commands or options that do not exist. */
export function unknownIn(lines: readonly CommandLine[]): string[] {
  return lines.flatMap(({ name, flags }) => {
    const command = [...commands, program].find((one) => one.name() === name);
    if (command === undefined) return ["help", "man"].includes(name) ? [] : [`qmtp ${name}`];
    const known = flagsOfAll([command]);
    return flags.filter((flag) => !known.has(flag)).map((flag) => `qmtp ${name} ${flag}`);
  });
}
