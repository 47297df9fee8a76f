import { mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { finished, start, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { offeredByFish, type Shell, skipsShell, typedInto } from "./shells.ts";

afterEach(stopAll);

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];
const TERMINALS = ["bash", "zsh"] as const;
const skipped = Object.fromEntries(SHELLS.map((shell) => [shell, skipsShell(shell)]));

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
  for (const name of ["a file", "plain", "socket"]) writeFileSync(`${folder}/${name}`, "");
  for (const name of ["sub dir", "other"]) mkdirSync(`${folder}/${name}`);
});

async function helpOf(args: readonly string[]): Promise<string> {
  const { stdout, code } = await qmtp([...args, "--help"]);
  expect(code).toBe(0);
  return stdout;
}

async function commandsOf(): Promise<string[]> {
  const [, lines = ""] = /\nCommands:\n((?: +\S.*\n)+)/.exec(await helpOf([])) ?? [];
  return [...lines.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name as string);
}

/** An option starts a line in its group; continuation lines are indented further. */
async function flagsOf(command: string): Promise<string[]> {
  const help = await helpOf([command]);
  return [...help.matchAll(/^ {2}(-[^\s,]+(?:, -\S+)?)/gm)]
    .flatMap(([, flags]) => String(flags).split(", "))
    .sort();
}

describe.each(SHELLS)("the script for %s", (shell) => {
  test.skipIf(skipped[shell])("parses in that shell, and nothing else is printed", async () => {
    const { code, stdout, stderr } = await qmtp(["completion", shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(`${folder}/script`, stdout);
    const child = start(shell, ["-n", `${folder}/script`], { stdio: "pipe" });
    expect(await finished(child)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  });

  test.skipIf(skipped[shell])("offers every command and option that the help lists", async () => {
    const commands = (await commandsOf()).filter((name) => name !== "--help");
    const names = commands.map((name) => name.replace(/ .*/, ""));
    expect(names.length).toBeGreaterThan(6);
    const withOptions = names.filter((name) => name !== "help");
    const lines = ["qmtp ", "qmtp help ", ...withOptions.map((name) => `qmtp ${name} -`)];
    const offered = await offeredIn(shell, lines);
    expect(offered[0]?.filter((one) => !one.startsWith("-"))).toEqual([...names].sort());
    expect(offered[1]).toEqual([...names].sort());
    for (const [index, name] of withOptions.entries()) {
      const flags = await flagsOf(name);
      expect(flags).toContain("--help");
      expect([...(offered[index + 2] as string[])].sort(), name).toEqual(flags);
    }
  });

  test.skipIf(skipped[shell])("offers the kinds of endpoint, choices and shells, and no more", async () => {
    const endpoints = ["exec:", "mx:", "qmtp://", "qmtps://", "ucspi:", "unix:/"];
    const [servers, listening, encodings, shells] = await offeredIn(shell, [
      "qmtp send -s ",
      "qmtp sink --listen ",
      "qmtp send --encoding ",
      "qmtp completion ",
    ]);
    expect(servers).toEqual(endpoints);
    expect(listening).toEqual(endpoints.filter((one) => !["exec:", "mx:"].includes(one)));
    expect(encodings).toEqual(["dos", "unix"]);
    expect(shells).toEqual(["bash", "fish", "zsh"]);
  });
});

/** What is offered at the end of each line, sorted. */
async function offeredIn(shell: Shell, lines: readonly string[]): Promise<string[][]> {
  const offered: string[][] = [];
  if (shell === "fish") offered.push(...(await offeredByFish(lines, folder)));
  else {
    const typed = await typedInto(shell, folder);
    for (const line of lines) offered.push(await typed.offered(line));
  }
  return offered.map((some) => some.sort());
}

/** What is typed before a tab, and the line afterwards. */
const TYPED: ReadonlyArray<readonly [typed: string, bash: string, zsh?: string]> = [
  ["qmtp he", "qmtp help"],
  ["qmtp help sendm", "qmtp help sendmail"],
  ["qmtp send --enc", "qmtp send --encoding", "qmtp send --encoding="],
  ["qmtp send --encoding u", "qmtp send --encoding unix"],
  ["qmtp send --encoding=u", "qmtp send --encoding=unix"],
  ["qmtp send --raw --enc", "qmtp send --raw --encoding", "qmtp send --raw --encoding="],
  ["qmtp sink --fault dri", "qmtp sink --fault drip"],
  ["qmtp send -s qm", "qmtp send -s qmtp"],
  ["qmtp send -s qmtps:", "qmtp send -s qmtps://"],
  ["qmtp send --server=qmtps:", "qmtp send --server=qmtps://"],
  ["qmtp send -s ucs", "qmtp send -s ucspi:"],
  ["qmtp send -s unix:/etc/hostn", "qmtp send -s unix:/etc/hostname"],
  ["qmtp send --server=unix:./soc", "qmtp send --server=unix:./socket"],
  ["qmtp send --file /etc/hostn", "qmtp send --file /etc/hostname"],
  ["qmtp send --file=pl", "qmtp send --file=plain"],
  ["qmtp send --file a", "qmtp send --file a\\ file"],
  ["qmtp send --attach a\\ f", "qmtp send --attach a\\ file"],
  ['qmtp send --attach "a f', 'qmtp send --attach "a file"'],
  [
    "qmtp send --attach a\\ file --enc",
    "qmtp send --attach a\\ file --encoding",
    "qmtp send --attach a\\ file --encoding=",
  ],
  ["qmtp send --spool su", "qmtp send --spool sub\\ dir/"],
  ["qmtp send --spool pl", "qmtp send --spool pl"],
  ["qmtp maildir oth", "qmtp maildir other/"],
  ['qmtp send --subject "x --fil', 'qmtp send --subject "x --fil'],
  [
    'qmtp send --subject "a b" --enc',
    'qmtp send --subject "a b" --encoding',
    'qmtp send --subject "a b" --encoding=',
  ],
  [
    "qmtp send --subject a:b --enc",
    "qmtp send --subject a:b --encoding",
    "qmtp send --subject a:b --encoding=",
  ],
  ["true | qmtp send --dry", "true | qmtp send --dry-run"],
  ["maildirqmtp oth", "maildirqmtp other/"],
  ["maildirqmtp other/ x", "maildirqmtp other/ x"],
  ["maildirqmtp other/ '' qmtps:", "maildirqmtp other/ '' qmtps://"],
  ["maildirqmtp other/ '' unix:./soc", "maildirqmtp other/ '' unix:./socket"],
  ["maildirqmtp --he", "maildirqmtp --help"],
  ["serialqmtp --vers", "serialqmtp --version"],
  ["qmail-qmtpc -s qmtps:", "qmail-qmtpc -s qmtps://"],
  ["qmail-qmtpc --verb", "qmail-qmtpc --verbose"],
  ["qmtp-sendmail -t --spool oth", "qmtp-sendmail -t --spool other/"],
];

describe.each(TERMINALS)("a tab in an interactive %s", (shell) => {
  test.skipIf(skipped[shell])("completes the text before it", async () => {
    const terminal = await typedInto(shell, folder);
    const lines: string[] = [];
    for (const [typed] of TYPED) lines.push(await terminal.line(`${typed}\t`));
    expect(lines).toEqual(TYPED.map(([, bash, zsh = bash]) => (shell === "zsh" ? zsh : bash)));
  });
});

test.skipIf(skipped.bash)("bash completes endpoints even if a colon does not end a word", async () => {
  const setup = "COMP_WORDBREAKS=$' \\t\\n'; source <(qmtp completion bash)";
  const terminal = await typedInto("bash", folder, setup);
  expect(await terminal.line("qmtp send -s qmtps:\t")).toBe("qmtp send -s qmtps://");
  expect(await terminal.line("qmtp send --server=qmtps:\t")).toBe("qmtp send --server=qmtps://");
  expect(await terminal.line("qmtp send --encoding=u\t")).toBe("qmtp send --encoding=unix");
});

test.skipIf(skipped.zsh)("zsh autoloads the script as _qmtp from fpath", async () => {
  const setup = `qmtp completion zsh > _qmtp; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D`;
  const terminal = await typedInto("zsh", folder, setup);
  // The first completion loads it, the second finds it loaded.
  expect(await terminal.line("qmtp he\t")).toBe("qmtp help");
  expect(await terminal.line("qmtp send --encoding u\t")).toBe("qmtp send --encoding unix");
  expect(await terminal.line("qmtp send -s qmtps:\t")).toBe("qmtp send -s qmtps://");
});

test.skipIf(skipped.fish)("fish completes the text before the cursor", async () => {
  const rows: ReadonlyArray<readonly [string, string[]]> = [
    ["qmtp he", ["help"]],
    ["qmtp help sendm", ["sendmail"]],
    ["qmtp help send --enc", []],
    ["qmtp send --enc", ["--encoding"]],
    ["qmtp send --encoding=u", ["--encoding=unix"]],
    ["qmtp send -s qm", ["qmtp://", "qmtps://"]],
    ["qmtp send -s qmtps:", ["qmtps://"]],
    ["qmtp send -s unix:/etc/hostn", ["unix:/etc/hostname"]],
    ["qmtp send --server=unix:soc", ["--server=unix:socket"]],
    ["qmtp sink --fault dri", ["drip"]],
    ["qmtp send --file /etc/hostn", ["/etc/hostname"]],
    ["qmtp send --attach a\\ f", ["a file"]],
    ["qmtp send --spool su", ["sub dir/"]],
    ["qmtp maildir oth", ["other/"]],
    ["qmtp maildir send --enc", []],
    ["maildirqmtp oth", ["other/"]],
    ["maildirqmtp other/ pl", []],
    ["maildirqmtp other/ '' qmtps:", ["qmtps://"]],
    ["maildirqmtp --he", ["--help"]],
    ["serialqmtp --vers", ["--version"]],
    ["qmail-qmtpc -s qmtps:", ["qmtps://"]],
    ["qmail-qmtpc --verb", ["--verbose"]],
    ["qmtp-sendmail -t --spool oth", ["other/"]],
  ];
  const offered = await offeredByFish(
    rows.map(([line]) => line),
    folder,
  );
  expect(offered).toEqual(rows.map(([, some]) => some));
});

test.each([
  ["no shell", []],
  ["an unknown shell", ["tcsh"]],
  ["two shells", ["bash", "zsh"]],
])("%s is wrong usage", async (_name, args) => {
  const { stderr, ...rest } = await qmtp(["completion", ...args]);
  expect(rest).toEqual({ code: 100, signal: null, stdout: "" });
  expect(stderr).toMatch(/^qmtp: [^\n]+\n$/);
});
