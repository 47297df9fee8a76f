import { describe, expect, test } from "vitest";

import { SEND_TABLE } from "../../src/report/exit-tables.ts";
import {
  commands,
  EXIT_MEANINGS,
  items,
  launchers,
  overview,
  pageOf,
  readme,
  runLauncher,
  section,
} from "./documents.ts";

/** As sentences in the documentation, without punctuation and macros. */
const plain = (text: string) => text.replaceAll(/[`.]/g, "").replaceAll(/\s+/g, " ").trim().toLowerCase();

/** An item's code and its first sentence without asides. */
function firstSentence({ head, body }: { head: string; body: string }): [string, string] {
  const [sentence = ""] = body.replaceAll(/\n\.Pq .*\.$/gm, ".").split(/\.$/m);
  return [head, sentence];
}

/** Codes and meanings, to compare. */
const rows = (pairs: readonly (readonly [number | string, string])[]) =>
  pairs.map(([code, meaning]) => `${code} ${plain(meaning)}`);

function helpRows(launcher: string, args: readonly string[]): string[] {
  const [, codes = ""] = runLauncher(launcher, [...args, "--help"]).stdout.split("Exit codes:");
  return rows(
    [...codes.matchAll(/^ {2}(\d+) +(.*)$/gm)].map(([, code = "", meaning = ""]) => [code, meaning]),
  );
}

describe("the exit codes and their meanings", () => {
  test("of qmtp send are in the README", () => {
    const found = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)];
    expect(rows(found.map(([, code = "", meaning = ""]) => [code, meaning]))).toEqual(
      rows(SEND_TABLE.meanings),
    );
  });

  test.each(commands.map((command) => command.name()))("of qmtp %s are in --help", (name) => {
    expect(helpRows("qmtp", [name])).toEqual(rows(EXIT_MEANINGS[name] ?? []));
  });

  test.each(launchers)("of $name are in --help", ({ name, command }) => {
    expect(helpRows(name, [])).toEqual(rows(EXIT_MEANINGS[command] ?? []));
  });

  const withPages = commands.map((command) => command.name()).filter((name) => pageOf(name) !== overview);

  test.each(withPages)("of qmtp %s are in its man page", (name) => {
    const documented = items(section("Sh", "EXIT CODES", pageOf(name)));
    expect(rows(documented.map(firstSentence))).toEqual(rows(EXIT_MEANINGS[name] ?? []));
  });

  test("of qmtp send are in qmtp(1)", () => {
    const documented = items(section("Sh", "EXIT CODES", overview));
    expect(rows(documented.map(firstSentence))).toEqual(rows(SEND_TABLE.meanings));
  });
});
