import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderManual } from "../../src/manual/render.ts";
import { codesInSource, overview, pages, ROOT } from "../docs/documents.ts";
import { skip } from "../support/skip.ts";

const source = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");

/** The words between header and footer, without bullets; formatters differ in their quotes. */
function wordsOf(text: string): string[] {
  const lines = text.trimEnd().split("\n").slice(1, -1);
  const words = lines.map((line) => line.replace(/^ *[*o•] +/, "")).join(" ");
  return words.replaceAll("`", "'").split(/\s+/).filter(Boolean);
}

describe.each(pages)("$name(1) as plain text", ({ path }) => {
  test("has the same words as mandoc's, in order", (context) => {
    // Wide, so that no word is broken at a hyphen.
    const args = ["-Tascii", "-O", "width=1000", `${ROOT}${path}`];
    const { error, stdout } = spawnSync("mandoc", args, { encoding: "utf8" });
    if (error !== undefined && !process.env.CI) {
      skip(context, "mandoc is not installed: install the Debian package mandoc");
    }
    // A character, a backspace, and it or an underscore again: bold or underlined.
    const plain = stdout.replaceAll(/.[\b]/g, "");
    expect(wordsOf(renderManual(source(path), 80))).toEqual(wordsOf(plain));
  });

  test.each([80, 120])("fits into %i columns", (width) => {
    const lines = renderManual(source(path), width).split("\n");
    expect(lines.filter((line) => line.length > width || /\s$/.test(line))).toEqual([]);
  });
});

describe("a manual as plain text", () => {
  test("has mandoc's layout", () => {
    const text = renderManual(
      `.Dd May 1, 2026
.Dt X 1
.Os
.Sh NAME
.Nm x ,
.Nm y
.Nd does it
.Sh SYNOPSIS
.Nm
.Op Fl f Ar file
.Op Fl v
.Ar operand
.Nm y
.Sh DESCRIPTION
.Nm
does
.Pq what Ar operand No says ,
and
.Ql it\\-\\(aqs
fine.
.Bd -literal -offset indent
x \\-f a   b
.Ed
.Sh OPTIONS
.Ss Some
.Bl -tag -width Ds
.It Fl f Ar file , Fl -file Ar file
A file, see
.Xr cat 1 .
.It Fl v
More.
.Bl -bullet -compact
.It
one
.It
two
.El
.El
.Bl -column "a" "b"
.It Em code Ta Em exit
.It Li longer Ta 1
.El
`,
      40,
    );
    expect(text).toBe(`X(1)                                X(1)

NAME
     x, y - does it

SYNOPSIS
     x [-f file] [-v] operand
     y

DESCRIPTION
     x does (what operand says), and
     'it-'s' fine.

           x -f a   b

OPTIONS
   Some
     -f file, --file file
             A file, see cat(1).

     -v      More.
             *  one
             *  two

     code      exit
     longer    1

May 1, 2026
`);
  });

  test("wraps only at spaces, and gives an overlong word its own line", () => {
    const text = renderManual(".Sh A\none two\naverylongword\n.Ql constructor\nto-day\n", 12);
    expect(text.split("\n").slice(2, -2)).toEqual([
      "A",
      "     one two",
      "     averylongword",
      "     'constructor'",
      "     to-day",
      "",
    ]);
  });

  test.each([
    ["a macro", ".Xx y", "unknown macro 'Xx'"],
    ["an escape", "a \\(zz b", "unknown escape '\\(zz'"],
    ["a list", ".Bl -diag", "unknown list 'diag'"],
  ])("refuses %s that is not supported", (_what, line, message) => {
    expect(() => renderManual(`.Sh X\n${line}\n`, 80)).toThrow(new RangeError(message));
  });

  test("has the table of error codes, one row each", () => {
    const lines = renderManual(source(overview.path), 80).split("\n");
    const rows = lines.filter((line) => /^ +[a-z-]+ +1\d\d +\d+ +\d+$/.test(line));
    expect(rows.map((row) => row.trim().split(" ")[0]).toSorted()).toEqual(codesInSource().errors.toSorted());
  });
});
