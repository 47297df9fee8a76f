/** A list of mdoc(7), from `Bl` to `El`. */
export interface List {
  readonly kind: "tag" | "bullet" | "enum" | "column";
  readonly compact: boolean;
  /** The margin outside of it. */
  readonly left: number;
  /** Columns for a tag, a bullet or a number, with the space after it. */
  readonly width: number;
  /** The cells of a table, which is laid out when all are known. */
  readonly rows: string[][];
  items: number;
}

/** The width that `Ds` means. */
const DEFAULT = 6;
/** Between columns. */
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

/** Rows of cells as lines, in columns as wide as the widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd((widths[at] ?? 0) + GAP))
      .join("")
      .trimEnd(),
  );
}
