/**
 * A paragraph as lines; a word that is too long has one to itself.
 * @param first begins the first line, in place of the margin; without text, it is the only line
 * @param left the margin, in columns
 */
export function fill(text: string, first: string | undefined, left: number, width: number): string[] {
  const words = text.split(" ").filter((word) => word !== "");
  if (words.length === 0) return first === undefined || first.trim() === "" ? [] : [first.trimEnd()];
  const margin = " ".repeat(left);
  const lines: string[] = [];
  let line = first ?? margin;
  for (const word of words) {
    const space = line.endsWith(" ") ? "" : " ";
    if (line.trim() !== "" && line.length + space.length + word.length > width) {
      lines.push(line.trimEnd());
      line = margin + word;
    } else line += space + word;
  }
  return [...lines, line];
}
