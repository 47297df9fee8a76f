import { QmtpError } from "../errors.ts";

/**
 * Tries in turn until one succeeds.
 * @throws {QmtpError} with the reason for each
 */
export async function firstOf<T, R>(
  candidates: readonly T[],
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

/** A failure that may pass decides whether to retry, not one that will last. */
function decisive(failures: readonly QmtpError[]): QmtpError | undefined {
  const passing = failures.findLast(({ code }) => code.startsWith("connect-") || code === "dns-failed");
  return passing ?? failures.findLast(({ code }) => code !== "no-exchanger");
}
