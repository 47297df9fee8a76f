/**
 * Breaks a paragraph into lines; a word that is too long gets its own line.
 * @param first what the first line begins with instead of the margin; if there is no text, it is the only line
 * @param left columns of the margin
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
