import type { PingResult } from "../client/ping.ts";
import type { Server } from "../transport/connector.ts";
import type { ServerCertificate } from "../transport/tls-settings.ts";
import { EXIT } from "./exit-tables.ts";
import { errorFields, toJson } from "./json.ts";
import { describe } from "./remedies.ts";
import { sanitiseCapped } from "./sanitise.ts";

const DAY_MS = 86_400_000;

/** A server that was pinged, in one line. @param at milliseconds since 1970 */
export function pingLine({ server, certificate, connectMs, error }: PingResult, at: number): string {
  if (connectMs === null) return sanitiseCapped(Buffer.from(error === null ? "" : describe(error)));
  const parts = [`connected${to(server)} in ${connectMs.toFixed(1)} ms`];
  if (server.tls !== null) parts.push(`${server.tls.version} with ${server.tls.cipher}`);
  if (certificate !== null) parts.push(`certificate ${certificate.subject}, ${validity(certificate, at)}`);
  const said = error === null ? parts.join("; ") : describe(error);
  return sanitiseCapped(Buffer.from(`${server.endpoint}: ${said}`));
}

/** The same as one line of JSON. @param number of this ping, from 1 */
export function pingJson(result: PingResult, at: number, number: number): string {
  const { server, certificate, connectMs, error } = result;
  return toJson({
    schema: 1,
    type: "ping",
    number,
    outcome: error === null ? "success" : "failed",
    server,
    certificate: certificate && {
      subject: certificate.subject,
      validTo: new Date(certificate.validTo).toISOString(),
      daysLeft: daysLeft(certificate, at),
    },
    connectMs: rounded(connectMs),
    error: errorFields(error),
  });
}

/** Totals of a run. */
export class PingSummary {
  readonly #times: number[] = [];
  #sent = 0;
  /** Pings that had no server to connect to, and will have none. */
  #without = 0;

  add({ connectMs, error }: PingResult): void {
    this.#sent++;
    if (error?.code === "no-exchanger") this.#without++;
    if (connectMs !== null && error === null) this.#times.push(connectMs);
  }

  get answered(): number {
    return this.#times.length;
  }

  /** Success if every ping was answered, and there was one. */
  get exitCode(): number {
    if (this.#sent > 0 && this.#without === this.#sent) return EXIT.permanent;
    return this.#sent > 0 && this.answered === this.#sent ? EXIT.success : EXIT.temporary;
  }

  /** As ping(8) has it. */
  line(): string {
    const counts = `${this.#sent} sent, ${this.answered} answered`;
    const times = this.#statistics;
    if (times === null) return counts;
    const three = [times.min, times.avg, times.max].map((ms) => ms.toFixed(1)).join("/");
    return `${counts}, min/avg/max ${three} ms`;
  }

  json(): string {
    const times = this.#statistics;
    return toJson({
      schema: 1,
      type: "summary",
      exitCode: this.exitCode,
      sent: this.#sent,
      answered: this.answered,
      connectMs: times && { min: rounded(times.min), avg: rounded(times.avg), max: rounded(times.max) },
    });
  }

  get #statistics(): { min: number; avg: number; max: number } | null {
    if (this.#times.length === 0) return null;
    let [min, max, sum] = [Number.POSITIVE_INFINITY, 0, 0];
    for (const ms of this.#times) {
      min = Math.min(min, ms);
      max = Math.max(max, ms);
      sum += ms;
    }
    return { min, avg: sum / this.#times.length, max };
  }
}

function to({ exchanger, address, port }: Server): string {
  const where = address === null ? undefined : `${address}${port === null ? "" : ` port ${port}`}`;
  const names = [exchanger, where].filter((name) => name !== undefined);
  return names.length === 0 ? "" : ` to ${names.join(", ")}`;
}

function validity(certificate: ServerCertificate, at: number): string {
  const left = daysLeft(certificate, at);
  if (certificate.validTo < at) return `expired ${days(-left - 1)} ago`;
  return `${days(left)} left`;
}

function days(count: number): string {
  if (count === 0) return "less than a day";
  return count === 1 ? "1 day" : `${count} days`;
}

/** Whole days until a certificate ends; negative once it has. */
function daysLeft({ validTo }: ServerCertificate, at: number): number {
  return Math.floor((validTo - at) / DAY_MS);
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
