import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const TYPES = new URL("../../dist/library/types/", import.meta.url).pathname;

/** What a declaration file exports, with the declaration's lines and the line before them. */
function* exportsOf(file: string): Generator<{ name: string; before: string; lines: string[] }> {
  const text = readFileSync(join(TYPES, file), "utf8");
  for (const [, names = "", from = ""] of text.matchAll(/^export (?:type )?\{([^}]*)\} from "(.+)\.js";/gm)) {
    const wanted = names.split(",").map((name) => name.trim().replace(/^type /, ""));
    for (const found of declarationsIn(`${join(dirname(file), from)}.d.ts`)) {
      if (wanted.includes(found.name)) yield found;
    }
  }
}

function* declarationsIn(file: string): Generator<{ name: string; before: string; lines: string[] }> {
  const lines = readFileSync(join(TYPES, file), "utf8").split("\n");
  for (const [index, line] of lines.entries()) {
    const name = /^export (?:declare )?(?:class|const|function|interface|type) (\w+)/.exec(line)?.[1];
    if (name === undefined) continue;
    const length = lines.slice(index).findIndex((each) => /^\}|;$/.test(each) && !each.startsWith(" "));
    const members = /(class|interface) \w/.test(line) ? lines.slice(index, index + length) : [];
    yield { name, before: lines[index - 1] ?? "", lines: members };
  }
}

/** Members with no comment before them; of overloads, the first has one. */
function bareMembers(lines: readonly string[]): string[] {
  const bare: string[] = [];
  let last = "";
  for (const [index, line] of lines.entries()) {
    const member = /^ {4}(?:readonly |get )*(\w+|\[[\w.]+\])[?(:]/.exec(line)?.[1];
    if (member === undefined) continue;
    if (!lines[index - 1]?.trim().endsWith("*/") && member !== last) bare.push(member);
    last = member;
  }
  return bare;
}

test.each(["index.d.ts", "library/protocol.d.ts"])("everything that %s exports has a comment", (file) => {
  const found = [...exportsOf(file)];
  expect(found.length).toBeGreaterThan(10);
  expect(withoutComment(found)).toEqual([]);
});

test("everything that qmtp/nodemailer exports has a comment", () => {
  const found = [...declarationsIn("library/nodemailer.d.ts")];
  expect(found.map(({ name }) => name)).toContain("QmtpTransport");
  expect(withoutComment(found)).toEqual([]);
});

/** Members that say all by their names. */
const PLAIN = ["constructor", "name", "version", "[Symbol.asyncDispose]", "type"];

function withoutComment(found: Iterable<{ name: string; before: string; lines: string[] }>): string[] {
  return [...found].flatMap(({ name, before, lines }) => [
    ...(before.trim().endsWith("*/") ? [] : [name]),
    ...bareMembers(lines)
      .filter((member) => !PLAIN.includes(member))
      .map((member) => `${name}.${member}`),
  ]);
}
