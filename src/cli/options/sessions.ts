import type { Option } from "commander";
import type { Route } from "../../client/route.ts";
import { MAX_SESSIONS, type SessionsOptions } from "../../client/sessions-contract.ts";
import { usageError } from "../../errors.ts";
import { countOption, option } from "./kinds.ts";

export interface SessionsOptionValues {
  readonly sessions: number;
  readonly spread?: boolean;
}

/** @param needs added to what `--sessions` means: another option that it needs */
export function sessionsOptions(needs = ""): Option[] {
  const meaning = `connect up to n times, and send over all connections at once${needs}`;
  return [
    countOption("--sessions <n>", meaning, 1, MAX_SESSIONS).default(1),
    option("--spread", "deal these sessions out among all servers, instead of using the first one reached"),
  ];
}

/** @throws {QmtpError} usage */
export function readSessions(
  { sessions: count, spread = false }: SessionsOptionValues,
  { endpoints }: Pick<Route, "endpoints">,
): SessionsOptions {
  if (spread && count === 1) throw usageError("--spread needs --sessions with 2 or more");
  if (count > 1 && endpoints.every(({ kind }) => kind === "ucspi")) {
    throw usageError("--sessions: ucspi: is a single connection; name another endpoint");
  }
  return { count, spread };
}
