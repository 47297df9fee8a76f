import { QmtpError } from "../errors.ts";
import { now } from "../io/clock.ts";
import type { Environment } from "../io/environment.ts";
import { withTimeLimit } from "../io/time-limit.ts";
import { Dns } from "./dns.ts";
import { formatEndpoint, type MxEndpoint } from "./endpoint.ts";
import { byPreference, type Exchanger, speaksQmtp } from "./mxps.ts";

/** An exchanger and its addresses. */
export interface Located extends Exchanger {
  readonly addresses: readonly string[];
}

export interface LookupOptions {
  /** DNSCACHEIP in it names the name server. */
  readonly env: Environment;
  /** Only addresses of this family are used. */
  readonly family?: 4 | 6 | undefined;
  /** Milliseconds for the lookups and one connection together. */
  readonly connectTimeoutMs: number;
}

/** Looks up the exchangers of a domain that speak QMTP, within the time to connect. */
export class Exchangers {
  readonly #endpoint: MxEndpoint;
  readonly #options: LookupOptions;
  readonly #signal: AbortSignal;
  readonly #note: ((text: string) => void) | undefined;
  readonly #dns: Dns;
  #deadline: number;

  /** Starts the clock. */
  constructor(
    endpoint: MxEndpoint,
    options: LookupOptions,
    signal: AbortSignal,
    note?: (text: string) => void,
  ) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#signal = signal;
    this.#note = note;
    this.#dns = new Dns(options.env);
    this.#deadline = now() + options.connectTimeoutMs;
  }

  /** Milliseconds left to connect. */
  get leftMs(): number {
    return Math.max(1, this.#deadline - now());
  }

  /** Restarts the clock: each exchanger after the first has its own time. */
  restartTime(): void {
    this.#deadline = now() + this.#options.connectTimeoutMs;
  }

  /**
   * The exchangers in the order to try them; there is at least one.
   * @throws {QmtpError} no-exchanger, dns-failed, connect-timeout; or what the signal was aborted with
   */
  async find(): Promise<Exchanger[]> {
    const { domain } = this.#endpoint;
    this.#note?.(`looking up the mail exchangers of ${domain}`);
    const found = await this.#inTime((signal) => this.#dns.exchangersOf(domain, signal));
    if (found === undefined) throw this.#none("there is no such domain");
    const exchangers = byPreference(found, Math.random);
    for (const exchanger of exchangers) {
      this.#note?.(`MX ${inWords(exchanger)}${speaksQmtp(exchanger) ? ", which speaks QMTP" : ""}`);
    }
    const speaking = exchangers.filter(speaksQmtp);
    if (speaking.length > 0) return speaking;
    if (exchangers.length === 0) throw this.#none("the domain has no MX record");
    throw this.#none(`none of the domain's exchangers speaks QMTP: ${exchangers.map(inWords).join(", ")}`);
  }

  /**
   * Looks up the addresses of an exchanger.
   * @throws {QmtpError} no-exchanger, if it has none; dns-failed, connect-timeout; or what the signal was aborted with
   */
  locate(exchanger: Exchanger): Promise<Located> {
    return this.#inTime((signal) => this.#locate(exchanger, signal));
  }

  async #locate(exchanger: Exchanger, signal: AbortSignal): Promise<Located> {
    const { family } = this.#options;
    const { host } = exchanger;
    const addresses = await this.#dns.addressesOf(host, family, signal);
    if (addresses.length > 0) return { ...exchanger, addresses };
    throw this.#none(`its exchanger ${host} has no ${family === undefined ? "" : `IPv${family} `}address`);
  }

  /**
   * The exchangers that have addresses.
   * @throws {QmtpError} as `find` and `locate`, if there are none
   */
  async locateAll(): Promise<Located[]> {
    const exchangers = await this.find();
    const all = await this.#inTime((signal) =>
      Promise.allSettled(exchangers.map((exchanger) => this.#locate(exchanger, signal))),
    );
    const located = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = all.find((one) => one.status === "rejected");
    if (failed !== undefined && (located.length === 0 || this.#signal.aborted)) throw failed.reason;
    return located;
  }

  #inTime<T>(lookup: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withTimeLimit(this.leftMs, this.#signal, () => this.#timeoutError(), lookup);
  }

  #timeoutError(): QmtpError {
    const seconds = this.#options.connectTimeoutMs / 1_000;
    return new QmtpError("connect-timeout", `${this.#cannot()}: no answer from DNS within ${seconds} s`);
  }

  #none(why: string): QmtpError {
    return new QmtpError("no-exchanger", `${this.#cannot()}: ${why}`);
  }

  #cannot(): string {
    return `cannot connect to ${formatEndpoint(this.#endpoint)}`;
  }
}

function inWords({ host, preference }: Exchanger): string {
  return `${preference} ${host}`;
}
