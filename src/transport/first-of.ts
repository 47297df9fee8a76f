import { QmtpError } from "../errors.ts";

/**
 * Tries candidates in turn until an attempt succeeds.
 * @throws {QmtpError} with the reason for each candidate
 */
export async function firstOf<T, R>(
  candidates: Iterable<T>,
  note: ((text: string) => void) | undefined,
  attempt: (candidate: T) => Promise<R>,
): Promise<R> {
  const failures: QmtpError[] = [];
  for (const candidate of candidates) {
    try {
      return await attempt(candidate);
    } catch (error) {
      if (!(error instanceof QmtpError)) throw error;
      note?.(error.message);
      failures.push(error);
    }
  }
  const last = failures.at(-1);
  if (last === undefined || failures.length === 1) throw last ?? new RangeError("nothing to try");
  const { code, fault } = decisive(failures) ?? last;
  const message = failures.map((failure) => failure.message).join("; ");
  throw new QmtpError(code, message, { fault, parts: failures });
}

/** The error whose code counts: preferably a temporary one, because the code decides whether to retry. */
function decisive(failures: readonly QmtpError[]): QmtpError | undefined {
  const passing = failures.findLast(({ code }) => code.startsWith("connect-") || code === "dns-failed");
  return passing ?? failures.findLast(({ code }) => code !== "no-exchanger");
}
