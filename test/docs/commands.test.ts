import { describe, expect, test } from "vitest";

import { MISBEHAVIOURS } from "../../src/sink/misbehaviour.ts";
import {
  commandLines,
  commands,
  flagsIn,
  flagsOf,
  flagsOfAll,
  items,
  literals,
  optionsOf,
  overview,
  pageOf,
  pages,
  program,
  runLauncher,
  section,
  unknownIn,
} from "./documents.ts";

test("qmtp(1) lists every command and no other, and refers to the page of each that has one", () => {
  const listed = items(section("Sh", "DESCRIPTION")).map(({ head }) => head.replace(/^Cm /, ""));
  const names = commands.map((command) => command.name());
  expect(listed.toSorted()).toEqual([...new Set([...names, "man", "help"])].toSorted());
  expect(flagsOfAll(commands).size).toBeGreaterThan(30);
  // qmtp(3) is not about a command.
  for (const { name, chapter } of pages.filter((page) => page.name !== overview.name)) {
    expect(section("Sh", "DESCRIPTION")).toContain(`.Xr ${name} ${chapter}`);
    expect(section("Sh", "SEE ALSO")).toContain(`.Xr ${name} ${chapter}`);
  }
});

describe.each(commands.map((command) => ({ name: command.name(), command, page: pageOf(command.name()) })))(
  "qmtp $name",
  ({ name, command, page }) => {
    test("--help has each option, long and short", () => {
      const { stdout, status } = runLauncher("qmtp", [name, "--help"]);
      expect(status).toBe(0);
      const shown = [...stdout.matchAll(/^ {2}(-.*?)(?: <.*?>)?(?: {2}.*)?$/gm)].flatMap((match) =>
        (match[1] as string).split(", "),
      );
      expect(shown.toSorted()).toEqual([...flagsOfAll([command])].toSorted());
    });

    test("the examples of --help use commands and options that exist", () => {
      const examples = runLauncher("qmtp", [name, "--help"]).stdout.split("Examples:")[1] ?? "";
      expect(commandLines(examples).length).toBeGreaterThan(0);
      expect(unknownIn(commandLines(examples))).toEqual([]);
    });

    test("its page names every choice of an operand", () => {
      const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
      expect(choices.filter((choice) => !new RegExp(`^\\.Cm ${choice}\\b`, "m").test(page.text))).toEqual([]);
    });
  },
);

const withPages = commands.map((command) => ({ command, page: pageOf(command.name()) }));

describe.each(withPages.filter(({ page }) => page !== overview))("$page.name(1)", ({ command, page }) => {
  const options = section("Sh", "OPTIONS", page);
  const documented = items(options);

  test("has each option of its command, long and short, and no other", () => {
    const flags = documented.flatMap(({ head }) => flagsIn(`.It ${head}`));
    expect(flags.toSorted()).toEqual([...flagsOfAll([command])].toSorted());
  });

  test("groups the options as --help does", () => {
    const misplaced = optionsOf(command).filter((option) => {
      const group = option.helpGroupHeading?.replace(/:$/, "");
      if (group === undefined) return false;
      const flags = items(section("Ss", group, page)).flatMap(({ head }) => flagsIn(`.It ${head}`));
      return !flagsOf(option).every((flag) => flags.includes(flag));
    });
    expect(misplaced.map(({ flags, helpGroupHeading }) => `${flags}: ${helpGroupHeading}`)).toEqual([]);
  });

  test("gives each option's default and choices", () => {
    const silent = optionsOf(command).filter((option) => {
      const item = documented.find(({ head }) => flagsIn(`.It ${head}`).includes(flagsOf(option)[0] ?? ""));
      const standard = option.required ? (option.defaultValueDescription ?? option.defaultValue) : undefined;
      const choices = option.long === "--fault" ? [] : (option.argChoices ?? []);
      const words = [...choices, ...(standard === undefined ? [] : [String(standard)])];
      return !words.every((word) => item?.body.includes(word));
    });
    expect(silent.map((option) => option.flags)).toEqual([]);
  });

  test("has the command's operands in its synopsis, and options that exist", () => {
    const [, own = ""] = section("Sh", "SYNOPSIS", page).split(`.Nm qmtp ${command.name()}\n`);
    const text = own.split(".Nm")[0] as string;
    const required = [...text.matchAll(/^\.Ar (.*)$/gm)]
      .flatMap((match) => String(match[1]).split(" "))
      .filter((word) => word !== "...");
    const optional = [...text.matchAll(/^\.Op Ar (\w+)/gm)].map((match) => String(match[1]));
    const operands = [...required, ...optional.filter((name) => name !== "option")];
    expect(operands).toEqual(command.registeredArguments.map((argument) => argument.name()));
    expect(flagsIn(text).filter((flag) => !flagsOfAll([command]).has(flag))).toEqual([]);
  });

  test("has examples early, with commands and options that exist", () => {
    const headings = [...page.text.matchAll(/^\.Sh (.*)$/gm)].map((match) => match[1]);
    expect(headings.slice(0, 4)).toEqual(["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES"]);
    const lines = commandLines(literals(page));
    expect(lines.length).toBeGreaterThan(0);
    expect(unknownIn(lines)).toEqual([]);
  });

  test("names only options that exist", () => {
    const known = flagsOfAll([...commands, program]);
    expect(flagsIn(page.text).filter((flag) => !known.has(flag))).toEqual([]);
    expect(section("Sh", "SEE ALSO", page)).toContain(".Xr qmtp 1");
  });
});

describe("the faults of the sink", () => {
  test("are in --help, with what each does", () => {
    const { stdout } = runLauncher("qmtp", ["sink", "--help"]);
    for (const [name, what] of Object.entries(MISBEHAVIOURS))
      expect(stdout).toMatch(new RegExp(`^  ${name} +${what}$`, "m"));
  });

  test("are in the man page, with what each does, and no other", () => {
    const faults = items(section("Sh", "FAULTS", pageOf("sink")));
    const described = faults.map(({ head, body }) => [head.replace(/^Cm /, ""), body]);
    expect(Object.fromEntries(described)).toEqual(MISBEHAVIOURS);
  });
});
