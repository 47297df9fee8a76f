/** A message that software for text may not like. */
export interface Content {
  readonly slug: string;
  readonly what: string;
  readonly body: string;
  /** Before the header. */
  readonly before?: string;
}

const LONG_LINE = 100_000;

export const CONTENTS: readonly Content[] = [
  { slug: "no-final-line-end", what: "a last line without an end", body: "first\nlast" },
  { slug: "8-bit", what: "8-bit bytes", body: "caf\xe9 \xff\x80\n" },
  { slug: "nul", what: "NUL", body: "before\0after\0\n" },
  { slug: "cr", what: "CR within lines", body: "before\rafter\r\n\r\rlast\n" },
  { slug: "long-line", what: "a line of 100,000 bytes", body: `${"x".repeat(LONG_LINE)}\n` },
  { slug: "dot", what: "a dot at the beginning of lines", before: ".\n", body: "..\n.\nlast\n" },
  {
    slug: "from",
    what: "From at the beginning of lines",
    before: "From here\n",
    body: "From there\nlast\n",
  },
];
