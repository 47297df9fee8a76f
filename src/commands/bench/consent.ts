import type { Plan } from "../../bench/plan.ts";
import { usageError } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import { type Endpoint, formatEndpoint } from "../../transport/endpoint.ts";

/** Messages that a server on another host may get from one session without its operator's consent. */
const MODEST = 1_000;

/**
 * Refuses a load on other hosts, which could be an attack or a mistake.
 * @param force whether the user has the operator's consent
 * @throws {QmtpError} usage
 */
export function checkConsent(
  endpoints: readonly Endpoint[],
  load: Pick<Plan, "sessions" | "messages" | "durationMs" | "warmUpMs" | "rate">,
  force: boolean,
  env: Environment,
): void {
  const elsewhere = endpoints.find((endpoint) => !isHere(endpoint, env));
  if (elsewhere === undefined || force) return;
  const most = mostMessages(load);
  const many =
    most > MODEST ? (Number.isFinite(most) ? `${most} messages` : "any number of messages") : undefined;
  const what = load.sessions > 1 ? `${load.sessions} sessions` : many;
  if (what === undefined) return;
  const where = formatEndpoint(elsewhere);
  throw usageError(
    `${what} to ${where}, which is not on this host, could harm it: give --force if its operator agrees`,
  );
}

function mostMessages({
  messages,
  durationMs,
  warmUpMs,
  rate,
}: Pick<Plan, "messages" | "durationMs" | "warmUpMs" | "rate">): number {
  const scheduled = (ms: number) => Math.ceil(((rate ?? Number.POSITIVE_INFINITY) * ms) / 1_000);
  const warmUp = warmUpMs === 0 ? 0 : scheduled(warmUpMs);
  return warmUp + Math.min(messages, scheduled(durationMs));
}

function isHere(endpoint: Endpoint, { TCPREMOTEIP }: Environment): boolean {
  switch (endpoint.kind) {
    case "unix":
    case "exec":
      return true;
    case "ucspi":
      return TCPREMOTEIP === undefined || isLoopback(TCPREMOTEIP);
    case "mx":
      return false;
    default:
      return isLoopback(endpoint.host);
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost\.?|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/i.test(
    host,
  );
}
