export type Verdict = "pass" | "fail" | "skip" | "unclear";

/** The first bytes on a connection, or on several. */
export interface Evidence {
  readonly sent: Buffer;
  readonly received: Buffer;
}

/** What a case found. */
export interface Outcome {
  readonly verdict: Exclude<Verdict, "skip">;
  readonly got: string;
  /** Only time decided: something had not come when the time was over. */
  readonly late?: boolean;
  /** What proves it, if it is not what was sent and received on the case's own connections. */
  readonly bytes?: Evidence;
  /** The server closed the connection. */
  readonly closed?: boolean;
}

/** Thrown when a case cannot reach a verdict. */
export class Undecided extends Error {
  readonly late: boolean;

  constructor(got: string, late = false) {
    super(got);
    this.late = late;
  }
}

export const pass = (got: string): Outcome => ({ verdict: "pass", got });
export const fail = (got: string): Outcome => ({ verdict: "fail", got });
/** A failure because something did not come, which may just be slow. */
export const late = (got: string): Outcome => ({ verdict: "fail", got, late: true });
/** A failure because the server closed the connection, which it also does if it is going down. */
export const closed = (got: string): Outcome => ({ verdict: "fail", got, closed: true });
export const unclear = (got: string): Outcome => ({ verdict: "unclear", got });
