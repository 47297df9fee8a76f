import { describe, expect, test } from "vitest";
import { FAULTS } from "../../src/sink/fault.ts";
import { qmtp } from "../processes.ts";
import { commandLines, commands, flagsIn, flagsOfAll, items, section, unknownIn } from "./documents.ts";

test("the tree of commands is the one that the documentation is held to", () => {
  expect(commands.map((command) => command.name())).toEqual([
    "send",
    "maildir",
    "serial",
    "queue",
    "sendmail",
    "sink",
    "completion",
  ]);
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
          flagsIn(`.It ${head}`).includes(option.long ?? option.short ?? ""),
        ) ?? { body: "" };
        const standard = option.required
          ? (option.defaultValueDescription ?? option.defaultValue)
          : undefined;
        const choices = option.long === "--fault" ? [] : (option.argChoices ?? []);
        return ![...choices, ...(standard === undefined ? [] : [String(standard)])].every((word) =>
          body.includes(word),
        );
      });
      expect(silent.map((option) => option.flags)).toEqual([]);
    });

    test("the man page names all that an operand can be", () => {
      const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
      const text = section("Ss", `qmtp ${name}`);
      expect(choices.filter((choice) => !text.includes(`.Cm ${choice}`))).toEqual([]);
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

test("--help names every fault of the sink, with what it does", async () => {
  const { stdout } = await qmtp(["sink", "--help"]);
  for (const [name, what] of Object.entries(FAULTS))
    expect(stdout).toMatch(new RegExp(`^  ${name} +${what}$`, "m"));
});
