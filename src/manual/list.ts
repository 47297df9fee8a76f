/** A list of mdoc(7), from `Bl` to `El`. */
export interface List {
  readonly kind: "tag" | "bullet" | "enum" | "column";
  readonly compact: boolean;
  /** The margin outside the list. */
  readonly left: number;
  /** Columns of a tag, bullet or number, with the space after it. */
  readonly width: number;
  /** The cells of a table, which is laid out at its end. */
  readonly rows: string[][];
  items: number;
}

/** The width that `Ds` means. */
const DEFAULT = 6;
/** Spaces between columns. */
const GAP = 4;

/** @throws {RangeError} for a kind that our pages do not use */
export function listOf(options: readonly string[], left: number): List {
  const kind = options[0]?.slice(1);
  if (kind !== "tag" && kind !== "bullet" && kind !== "enum" && kind !== "column") {
    throw new RangeError(`unknown list '${kind}'`);
  }
  const width = options[options.indexOf("-width") + 1] ?? "";
  const mark = kind !== "tag" ? 1 : width === "Ds" ? DEFAULT : width.length;
  const compact = kind === "column" || options.includes("-compact");
  return { kind, compact, left, width: mark + 2, rows: [], items: 0 };
}

/** Formats rows of cells as lines; each column is as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd((widths[at] ?? 0) + GAP))
      .join("")
      .trimEnd(),
  );
}
