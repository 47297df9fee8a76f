/** Macros of mdoc(7) that only choose a font. */
const FONTS = ["Ar", "Cm", "Dv", "Em", "Ev", "Li", "No", "Pa", "Sx", "Sy"];

/** Macros that enclose the rest of the line. */
const ENCLOSURES: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["Op", ["[", "]"]],
  ["Pq", ["(", ")"]],
  ["Ql", ["'", "'"]],
  ["Qq", ['"', '"']],
]);

const CLOSING = /^[.,:;)\]?!]$/;
const OPENING = /^[([]$/;
/** Separates flags. */
const BETWEEN = "|";

const ESCAPES: Readonly<Record<string, string>> = {
  "\\-": "-",
  "\\e": "\\",
  "\\&": "",
  // A space that does not end a word.
  "\\ ": "\u00a0",
  "\\(aq": "'",
  "\\(dq": '"',
};

/** @throws {RangeError} for an escape that our pages do not use */
export function plainText(text: string): string {
  return text.replace(/\\(?:\(..|.)/g, (sequence) => {
    const plain = ESCAPES[sequence];
    if (plain === undefined) throw new RangeError(`unknown escape '${sequence}'`);
    return plain;
  });
}

/** The words of a macro line; a word in double quotes may contain spaces. */
export function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/"([^"]*)"|(?:\\.|\S)+/g), ([word, quoted]) => quoted ?? word);
}

/** Whether a macro may begin a line of text. */
export function isPhrase(macro: string): boolean {
  return FONTS.includes(macro) || ENCLOSURES.has(macro) || ["Fl", "Nm", "Xr"].includes(macro);
}

/**
 * The text of a macro line, such as `Fl f Ar address ,`.
 * @param name what `Nm` without an argument prints
 */
export function phrase(words: readonly string[], name: string): string {
  return plainText(join(pieces(words, name)));
}

/** Words and punctuation; an empty piece joins its neighbours. */
function pieces(words: readonly string[], name: string): string[] {
  const found: string[] = [];
  // Fl makes a flag of each of its arguments.
  let prefix = "";
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const enclosure = ENCLOSURES.get(word);
    if (enclosure !== undefined) return [...found, ...enclose(enclosure, words.slice(at + 1), name)];
    if (isPhrase(word)) prefix = word === "Fl" ? "-" : "";
    if (word === "Ns") found.push("");
    else if (word === "Xr") found.push(`${words[++at]}(${words[++at]})`);
    else if (word === "Nm" && !isArgument(words[at + 1])) found.push(name);
    else if (!isPhrase(word)) found.push(CLOSING.test(word) || word === BETWEEN ? word : prefix + word);
  }
  return found;
}

function isArgument(word: string | undefined): boolean {
  return word !== undefined && word !== "Ns" && !isPhrase(word) && !CLOSING.test(word);
}

/** Punctuation at the end of the line is put after the closing mark. */
function enclose([open, close]: readonly [string, string], rest: readonly string[], name: string): string[] {
  const end = rest.findLastIndex((word) => !CLOSING.test(word)) + 1;
  return [`${open}${join(pieces(rest.slice(0, end), name))}${close}`, ...rest.slice(end)];
}

function join(found: readonly string[]): string {
  return found.reduce((text, piece, at) => {
    const before = found[at - 1] ?? "";
    const close = before === "" || piece === "" || CLOSING.test(piece) || OPENING.test(before);
    return close ? text + piece : `${text} ${piece}`;
  }, "");
}
