import { spawnSync } from "node:child_process";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { Command, Option } from "commander";
import { describe, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import type { Context } from "../src/context.ts";
import { buildProgram } from "../src/program.ts";
import { EXIT, type ExitTable, QUEUE_TABLE, QUEUE_TOLD } from "../src/report/exit-code.ts";
import { FAULTS } from "../src/sink/fault.ts";
import { qmtp } from "./processes.ts";

/** Of the launchers that stand in for an interface of others. */
const EXIT_CODES: Readonly<Record<string, readonly number[]>> = {
  "qmail-qmtpc": codesOf(QUEUE_TABLE, QUEUE_TOLD),
};
const ROOT = new URL("..", import.meta.url).pathname;
const readme = readFileSync(`${ROOT}README.md`, "utf8");
const man = page("man/qmtp.1");
const launchers = manifest.man
  .map((path) => /^man\/(?<name>.+)\.(?<chapter>\d)$/.exec(path)?.groups as { name: string; chapter: string })
  .slice(1)
  .map(({ name, chapter }) => ({ name, chapter, path: `man/${name}.${chapter}` }));
const withOperands = launchers.filter(({ name }) => EXIT_CODES[name] === undefined);
const source = (path: string) => readFileSync(`${ROOT}src/${path}`, "utf8");

const program = await treeFor("");
const commands = await Promise.all(
  program.commands.map((command) => command.name()).map(async (name) => found(await treeFor(name), name)),
);

function codesOf(table: ExitTable, ...others: number[]): number[] {
  const { success, failure, deferral, otherwise, problems } = table;
  const codes = new Set([success, failure, deferral, otherwise, ...Object.values(problems), ...others]);
  return [...codes].toSorted((a, b) => a - b);
}

/** A man page; `\-` and the like keep what is copied from a formatted page ASCII. */
function page(path: string): string {
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

function flagsOfAll(list: readonly Command[]): Set<string> {
  return new Set(list.flatMap(optionsOf).flatMap(flagsOf));
}

/** The lines of the man page between a heading and the next one of the same or a higher rank. */
function section(macro: "Sh" | "Ss", title: string, of = man): string {
  const [, text] = of.split(new RegExp(`^\\.${macro} ${title}\n`, "m"));
  return (text ?? "").split(macro === "Sh" ? /^\.Sh /m : /^\.S[hs] /m)[0] as string;
}

/** `.It` macros with what stands below each, up to the next one. */
function items(text: string): { head: string; body: string }[] {
  return text
    .split(/^\.It /m)
    .slice(1)
    .map((item) => {
      const end = item.indexOf("\n");
      return { head: item.slice(0, end), body: (item.slice(end + 1).split(/^\.El$/m)[0] as string).trim() };
    });
}

/** The options that macros name: `Fl f` is `-f`, `Fl -from` is `--from`. */
function flagsIn(text: string): string[] {
  const macros = text.split("\n").filter((line) => line.startsWith("."));
  return macros.flatMap((line) =>
    [...line.matchAll(/\bFl (-?[a-z0-9][a-z0-9-]*)/g)].map((match) => `-${match[1]}`),
  );
}

/** Options in a command line, and in what surrounds one; `-vv` is `-v`. */
function flagsInWords(text: string): string[] {
  return [...text.matchAll(/(?<![\w'-])(--[a-z][a-z0-9-]*|-[a-zA-Z0-9]+)(?![\w-])/g)].flatMap(([flag]) =>
    flag.startsWith("--") ? [flag] : [...flag.slice(1)].map((letter) => `-${letter}`),
  );
}

interface CommandLine {
  readonly name: string;
  readonly flags: readonly string[];
}

/** What follows `qmtp` in each command line, up to a pipe, a redirection or a comment. */
function commandLines(text: string): CommandLine[] {
  const lines = text.replaceAll(/\\e?\n/g, " ").split(/\n|\||&&|;| [<>#] /);
  return lines.flatMap((line) => {
    const [, name, rest] = /(?:^|[\s/])qmtp ([a-z]+)(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, flags: flagsInWords(rest ?? "") }];
  });
}

/** Code blocks, then code spans, of Markdown. */
function codeOf(markdown: string): { blocks: string[]; spans: string[] } {
  const fence = /^```\w*\n(.*?)^```$/gms;
  const blocks = [...markdown.matchAll(fence)].map((match) => match[1] as string);
  const spans = [...markdown.replaceAll(fence, "").matchAll(/`([^`\n]+)`/g)].map(
    (match) => match[1] as string,
  );
  return { blocks, spans };
}

/** What is wrong with command lines: a command or an option that does not exist. */
function unknownIn(lines: readonly CommandLine[]): string[] {
  return lines.flatMap(({ name, flags }) => {
    const command = [...commands, program].find((one) => one.name() === name);
    if (command === undefined) return name === "help" ? [] : [`qmtp ${name}`];
    const known = flagsOfAll([command]);
    return flags.filter((flag) => !known.has(flag)).map((flag) => `qmtp ${name} ${flag}`);
  });
}

/** What is printed for one value after another differs from run to run. */
const withoutNumbers = (text: string) => text.replaceAll(/\d{4,}/g, "N");

test("the tree of commands is the one that the documentation is held to", () => {
  expect(commands.map((command) => command.name())).toEqual(["send", "maildir", "serial", "queue", "sink"]);
  expect(flagsOfAll(commands).size).toBeGreaterThan(30);
});

describe.each(commands.map((command) => ({ name: command.name(), command })))(
  "qmtp $name",
  ({ name, command }) => {
    const documented = items(section("Ss", `qmtp ${name}`));

    test("the man page has each option in the command's section, long and short", () => {
      const flags = documented.flatMap(({ head }) => flagsIn(`.It ${head}`));
      expect(flags.toSorted()).toEqual([...flagsOfAll([command])].toSorted());
    });

    test("the man page's synopsis has each option once, by its short name where it has one", () => {
      const synopsis = section("Sh", "SYNOPSIS").split(/^\.Nm$/m);
      const own = synopsis.find((text) => text.includes(`.Cm ${name}\n`)) ?? "";
      const wanted = command.options.map((option) => option.short ?? option.long ?? "");
      expect(flagsIn(own).toSorted()).toEqual(wanted.toSorted());
    });

    test("the man page tells the default of each option that has one, and its choices", () => {
      const silent = command.options.filter((option) => {
        const { body } = documented.find(({ head }) =>
          flagsIn(`.It ${head}`).includes(option.long ?? ""),
        ) ?? { body: "" };
        const standard = option.required
          ? (option.defaultValueDescription ?? option.defaultValue)
          : undefined;
        const choices = option.long === "--fault" ? [] : (option.argChoices ?? []);
        return ![...choices, ...(standard === undefined ? [] : [String(standard)])].every((word) =>
          body.includes(word),
        );
      });
      expect(silent.map((option) => option.long)).toEqual([]);
    });

    test("--help has each option, long and short", async () => {
      const { stdout, code } = await qmtp([name, "--help"]);
      expect(code).toBe(0);
      const shown = [...stdout.matchAll(/^ {2}(-.*?)(?: <.*?>)?(?: {2}.*)?$/gm)].flatMap((match) =>
        (match[1] as string).split(", "),
      );
      expect(shown.toSorted()).toEqual([...flagsOfAll([command])].toSorted());
    });

    test("the examples of --help use commands and options that exist", async () => {
      const examples = (await qmtp([name, "--help"])).stdout.split("Examples:")[1] ?? "";
      expect(commandLines(examples).length).toBeGreaterThan(0);
      expect(unknownIn(commandLines(examples))).toEqual([]);
    });
  },
);

describe("the man page", () => {
  test("names no option that does not exist", () => {
    const known = flagsOfAll([...commands, program]);
    const named = [...new Set(flagsIn(man))];
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("has examples with commands and options that exist", () => {
    const examples = commandLines(section("Sh", "EXAMPLES").replaceAll(/^\.Dl /gm, ""));
    expect(examples.length).toBeGreaterThan(4);
    expect(unknownIn(examples)).toEqual([]);
  });

  test("has every fault of the sink, with what it does, and no other", () => {
    const faults = items(section("Ss", "Faults")).map(({ head, body }) => [head.replace(/^Cm /, ""), body]);
    expect(Object.fromEntries(faults)).toEqual(FAULTS);
  });

  test("has every code of an error that --json can hold", () => {
    const documented = items(section("Ss", "JSON")).map(({ head }) => head.replace(/^Li /, ""));
    const [union] = source("session/cause.ts").split("readonly fault");
    const codes = [...(union as string).matchAll(/^ +\| "([a-z-]+)"/gm)].map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(5);
    const transport = readdirSync(`${ROOT}src/transport`).map((file) => source(`transport/${file}`));
    const unconnected = [...transport.join("").matchAll(/"((?:connect|tls|not-under)-[a-z-]+)"/g)].map(
      (match) => match[1],
    );
    const known = ["connect-failed", "connect-timeout", "tls-failed", "tls-untrusted", "not-under-ucspi"];
    expect(unconnected).toEqual(expect.arrayContaining(known));
    expect(documented).toEqual(expect.arrayContaining([...codes, ...unconnected]));
  });

  test("has every code of a violation that a server can commit", () => {
    const documented = items(section("Ss", "JSON")).map(({ head }) => head.replace(/^Li /, ""));
    const codes = [...source("protocol/violation.ts").matchAll(/^ +\| "([a-z-]+)"/gm)].map(
      (match) => match[1],
    );
    const ofClients = ["unknown-encoding", "no-recipients", "recipients-overrun"];
    expect(codes).toEqual(expect.arrayContaining(ofClients));
    expect(documented).toEqual(
      expect.arrayContaining(codes.filter((code) => !ofClients.includes(code as string))),
    );
  });

  test("has every name of its JSON that a maildir's objects hold", () => {
    const named = section("Ss", "JSON");
    const words = ["spooled", "expired", "note", "possibleDuplicates", "sessions", "ageSeconds", "summary"];
    expect(words.filter((word) => !named.includes(word))).toEqual([]);
  });
});

describe.each(withOperands)("the man page of $name", ({ name, path }) => {
  const text = page(path);

  test("has the usage that the launcher prints, and its exit codes", () => {
    const run = spawnSync(`${ROOT}bin/${name}`, [], { encoding: "utf8" });
    expect(run.status).toBe(EXIT.permanent);
    const usage = run.stderr.replace(`${name}: `, "").trim();
    expect(items(section("Sh", "DIAGNOSTICS", text)).map(({ head }) => head)).toContain(usage);
    const [, operands] = /^\.Ar (.*)$/m.exec(section("Sh", "SYNOPSIS", text)) ?? [];
    expect(usage).toContain(`usage: ${name} ${operands};`);
    const codes = items(section("Sh", "EXIT STATUS", text)).map(({ head }) => Number(head));
    expect(codes).toEqual(Object.values(EXIT));
  });
});

describe.each(Object.entries(EXIT_CODES))("the exit codes of %s", (name, codes) => {
  test("are all in its man page", () => {
    const { path } = launchers.find((launcher) => launcher.name === name) as { path: string };
    const documented = items(section("Sh", "EXIT STATUS", page(path)));
    expect(documented.map(({ head }) => Number(head))).toEqual(codes);
  });

  test("are all in --help", () => {
    const { stdout } = spawnSync(`${ROOT}bin/${name}`, ["--help"], { encoding: "utf8" });
    const help = stdout.split("Exit codes")[1] ?? "";
    expect([...help.matchAll(/^ {2}(\d+) /gm)].map((match) => Number(match[1]))).toEqual(codes);
  });
});

describe.each(launchers)("the man page of $name", ({ name, path, chapter }) => {
  const text = page(path);

  test("names only commands and options that exist", () => {
    const same = commandLines(section("Sh", "DESCRIPTION", text));
    expect(same.length).toBeGreaterThan(0);
    expect(unknownIn(same)).toEqual([]);
    const known = flagsOfAll([...commands, program]);
    expect(flagsIn(text).filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("is pointed to by qmtp(1), and points to it", () => {
    expect(section("Sh", "SEE ALSO")).toContain(`.Xr ${name} ${chapter}`);
    expect(section("Sh", "SEE ALSO", text)).toContain(".Xr qmtp 1");
  });
});

describe("the man pages", () => {
  test.for(manifest.man)("%s is clean for mandoc", (path, context) => {
    const { error, stdout, stderr } = spawnSync("mandoc", ["-Tlint", "-Wwarning", `${ROOT}${path}`], {
      encoding: "utf8",
    });
    if (error !== undefined && !process.env.CI) {
      const note = "mandoc is not installed: install the Debian package mandoc";
      process.stderr.write(`skipped: ${note}\n`);
      context.skip(note);
    }
    expect(error).toBeUndefined();
    expect(stdout + stderr).toBe("");
  });
});

describe("the README", () => {
  const { blocks, spans } = codeOf(readme);

  test("has the two commands on its first screen, and no other before them", () => {
    const screen = codeOf(readme.split("\n").slice(0, 40).join("\n"));
    expect(screen.blocks[0]).toBe("npm ci && npm run demo\nnpm ci && npm test\n");
  });

  test("mentions only commands and options that exist", () => {
    const lines = commandLines([...blocks, ...spans].join("\n"));
    expect(lines.length).toBeGreaterThan(6);
    expect(unknownIn(lines)).toEqual([]);
    const known = flagsOfAll([...commands, program]);
    const bare = spans.filter((span) => span.startsWith("-")).flatMap(flagsInWords);
    expect(bare.length).toBeGreaterThan(4);
    expect(bare.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("mentions every fault of the sink", () => {
    expect(spans).toEqual(expect.arrayContaining(Object.keys(FAULTS)));
  });

  test("mentions only scripts and files that exist", () => {
    const scripts = [...readme.matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts));
    const paths = [...spans.filter((span) => /^(src|test|man)\//.test(span))];
    const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map((match) => match[1] as string);
    expect(paths.length).toBeGreaterThan(8);
    for (const path of [...paths, ...links]) accessSync(`${ROOT}${path}`);
  });

  test("shows what the demonstration prints", () => {
    const built = `node_modules/.bin/esbuild test/demo.ts --bundle --platform=node --log-level=warning | node -`;
    const demo = spawnSync("sh", ["-c", built], { cwd: ROOT, encoding: "utf8" });
    expect(demo.stderr).toBe("");
    expect(demo.status).toBe(0);
    expect(withoutNumbers(demo.stdout)).toContain(withoutNumbers(blocks[1] as string));
  });
});

describe("the exit codes", () => {
  const meanings: [number, RegExp][] = [
    [EXIT.success, /success for every recipient/i],
    [EXIT.permanent, /permanent.*wrong usage|wrong usage.*permanent/is],
    [EXIT.temporary, /try(ing)? again later/i],
  ];

  function agree(rows: readonly (readonly [string, string])[]): void {
    expect(rows.map(([code]) => Number(code))).toEqual(Object.values(EXIT));
    for (const [at, [code, meaning]] of meanings.entries()) {
      expect(Number(rows[at]?.[0])).toBe(code);
      expect(rows[at]?.[1]).toMatch(meaning);
    }
  }

  test("are the program's in the README", () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)];
    agree(rows.map((match) => [match[1] as string, match[2] as string]));
  });

  test("are the program's in the man page", () => {
    agree(items(section("Sh", "EXIT STATUS")).map(({ head, body }) => [head, body]));
  });

  test("are the program's in --help", async () => {
    const help = (await qmtp(["send", "--help"])).stdout.split("Exit codes:")[1] ?? "";
    const rows = [...help.matchAll(/^ {2}(\d+) +(.*)$/gm)];
    agree(rows.map((match) => [match[1] as string, match[2] as string]));
  });
});

describe("the package", () => {
  test("has the launchers and man pages that it names", () => {
    for (const launcher of Object.values(manifest.bin)) accessSync(`${ROOT}${launcher}`, constants.X_OK);
    for (const page of manifest.man) accessSync(`${ROOT}${page}`, constants.R_OK);
    expect(manifest.man.length).toBe(Object.keys(manifest.bin).length);
  });

  test("--help names every fault of the sink, with what it does", async () => {
    const { stdout } = await qmtp(["sink", "--help"]);
    for (const [name, what] of Object.entries(FAULTS))
      expect(stdout).toMatch(new RegExp(`^  ${name} +${what}$`, "m"));
  });
});
