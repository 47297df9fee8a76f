import { fill } from "./fill.ts";
import { type List, listOf, table } from "./list.ts";
import { isPhrase, phrase, plainText, wordsOf } from "./phrase.ts";

/** Columns to indent by, as mandoc(1) does. */
const SUBSECTION = 3;
const SECTION = 5;
const DISPLAY = 6;

/**
 * Renders one of our man pages as plain text, for systems without man(1).
 * @param source mdoc(7); only the macros that our pages use are supported
 * @param width columns of a line
 * @throws {RangeError} for a macro that is not supported
 */
export function renderManual(source: string, width: number): string {
  const manual = new Manual(width);
  for (const line of source.trimEnd().split("\n")) manual.read(line);
  return manual.end();
}

class Manual {
  readonly #width: number;
  readonly #lines: string[] = [];
  readonly #lists: List[] = [];
  #title = "";
  #date = "";
  #name = "";
  #section = "";
  /** The left margin. */
  #left = 0;
  /** The paragraph so far. */
  #text = "";
  /** What the paragraph's first line begins with instead of the margin. */
  #first: string | undefined;
  #literal = false;
  /** Line count just after the last heading, where no empty line is added. */
  #heading = 0;

  constructor(width: number) {
    this.#width = width;
  }

  read(line: string): void {
    if (this.#literal && line !== ".Ed") this.#lines.push(this.#displayed(line));
    else if (line.startsWith(".")) this.#macro(wordsOf(line.slice(1)));
    else this.#add(plainText(line));
  }

  #displayed(line: string): string {
    return (" ".repeat(this.#left + DISPLAY) + plainText(line)).trimEnd();
  }

  end(): string {
    this.#flush();
    const space = " ".repeat(Math.max(1, this.#width - 2 * this.#title.length));
    const header = this.#title + space + this.#title;
    return [header, "", ...this.#lines, "", this.#date, ""].join("\n").replaceAll("\u00a0", " ");
  }

  #macro(words: readonly string[]): void {
    const [macro = "", ...rest] = words;
    if (macro === "Dd") this.#date = rest.join(" ");
    else if (macro === "Dt") this.#title = `${rest[0]}(${rest[1]})`;
    else if (macro === "Sh") this.#beginSection(rest.join(" "));
    else if (macro === "Ss") this.#head(" ".repeat(SUBSECTION) + rest.join(" "));
    else if (macro === "Nd") this.#add(`- ${rest.join(" ")}`);
    else if (macro === "Pp") this.#blank();
    else if (macro === "Bd") this.#beginLiteral();
    else if (macro === "Ed") this.#literal = false;
    else if (macro === "Bl") this.#beginList(rest);
    else if (macro === "It") this.#item(this.#list(), rest);
    else if (macro === "El") this.#endList(this.#list());
    else if (isPhrase(macro)) this.#phrase(macro, rest);
    // The name of the operating system, for the footer.
    else if (macro !== "Os") throw new RangeError(`unknown macro '${macro}'`);
  }

  #beginSection(title: string): void {
    this.#head(title);
    this.#section = title;
  }

  #head(line: string): void {
    this.#blank();
    this.#lines.push(line);
    this.#heading = this.#lines.length;
    this.#left = SECTION;
  }

  #phrase(macro: string, rest: readonly string[]): void {
    if (macro === "Nm") this.#beginName(rest);
    this.#add(phrase([macro, ...rest], this.#name));
  }

  /** The first name is the page's; in a synopsis, each name begins a line. */
  #beginName([name = ""]: readonly string[]): void {
    if (this.#name === "") this.#name = name;
    if (this.#section !== "SYNOPSIS") return;
    this.#flush();
    this.#left = 2 * SECTION;
    this.#first = " ".repeat(SECTION);
  }

  #beginLiteral(): void {
    this.#blank();
    this.#literal = true;
  }

  #beginList(options: readonly string[]): void {
    this.#flush();
    this.#lists.push(listOf(options, this.#left));
  }

  #list(): List {
    const list = this.#lists.at(-1);
    if (list === undefined) throw new RangeError("a list without a beginning");
    return list;
  }

  #item(list: List, words: readonly string[]): void {
    if (!list.compact) this.#blank();
    this.#flush();
    if (list.kind === "column") {
      list.rows.push(words.join(" ").split(" Ta "));
      return;
    }
    const number = `${++list.items}.`;
    const tag = list.kind === "tag" ? phrase(words, this.#name) : list.kind === "enum" ? number : "*";
    this.#left = list.left + list.width;
    this.#first = " ".repeat(list.left);
    if (tag.length < list.width) {
      this.#first = (this.#first + tag).padEnd(this.#left);
      return;
    }
    this.#text = tag;
    this.#flush();
  }

  #endList(list: List): void {
    this.#flush();
    this.#lists.pop();
    this.#left = list.left;
    if (list.kind !== "column") return;
    this.#blank();
    const rows = list.rows.map((cells) => cells.map((cell) => phrase(wordsOf(cell), this.#name)));
    for (const row of table(rows)) this.#lines.push(" ".repeat(this.#left) + row);
  }

  #add(text: string): void {
    this.#text += ` ${text}`;
  }

  #blank(): void {
    this.#flush();
    if (this.#lines.at(-1) !== "" && this.#lines.length > this.#heading) this.#lines.push("");
  }

  /** Ends the paragraph. */
  #flush(): void {
    this.#lines.push(...fill(this.#text, this.#first, this.#left, this.#width));
    this.#text = "";
    this.#first = undefined;
  }
}
