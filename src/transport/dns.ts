import { Resolver } from "node:dns/promises";
import { setMaxListeners } from "node:events";
import { isIP } from "node:net";
import { QmtpError, reason, systemCode } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { Environment } from "../io/environment.ts";
import type { Exchanger } from "./mxps.ts";
import { nameServer } from "./name-server.ts";

/** Errors for a name that does not or cannot exist. */
const NO_SUCH_NAME = ["ENOTFOUND", "EBADNAME"];
/** The error for a name without records of the type. */
const NO_SUCH_RECORDS = "ENODATA";

/** What an MX record names if the domain accepts no mail (RFC 7505). */
const NO_HOST = ".";

/**
 * Queries DNS. An empty list is a valid answer; only a query without an answer is an error. Aborting a query cancels all
 * others of this object.
 */
export class Dns {
  readonly #env: Environment;
  #resolver: Resolver | undefined;

  /** @param env DNSCACHEIP in it names the name server */
  constructor(env: Environment) {
    this.#env = env;
  }

  /**
   * @returns undefined if there is no such domain
   * @throws {QmtpError} dns-failed; or what the signal was aborted with
   */
  async exchangersOf(domain: string, signal: AbortSignal): Promise<Exchanger[] | undefined> {
    const records = await this.#ask(`the mail exchangers of ${domain}`, signal, (resolver) =>
      resolver.resolveMx(domain),
    );
    return records?.map(({ exchange, priority }) => ({ host: exchange || NO_HOST, preference: priority }));
  }

  /**
   * The addresses of a host, IPv4 before IPv6.
   * @throws {QmtpError} dns-failed, if there are none and a query got no answer; or what the signal was aborted with
   */
  async addressesOf(host: string, family: 4 | 6 | undefined, signal: AbortSignal): Promise<string[]> {
    if (host === NO_HOST) return [];
    const literal = isIP(host);
    if (literal !== 0) return family === undefined || family === literal ? [host] : [];
    const what = `the addresses of ${host}`;
    const answers = await Promise.allSettled([
      family === 6 ? [] : this.#ask(what, signal, (resolver) => resolver.resolve4(host)),
      family === 4 ? [] : this.#ask(what, signal, (resolver) => resolver.resolve6(host)),
    ]);
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? (answer.value ?? []) : []));
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined && (found.length === 0 || signal.aborted)) throw failed.reason;
    return found;
  }

  /** @returns undefined if the name does not exist */
  async #ask<T>(
    what: string,
    signal: AbortSignal,
    question: (resolver: Resolver) => Promise<T[]>,
  ): Promise<T[] | undefined> {
    this.#resolver ??= this.#makeResolver();
    const resolver = this.#resolver;
    signal.throwIfAborted();
    // A domain may have more exchangers, all looked up at the same time, than the default allows listeners.
    setMaxListeners(0, signal);
    const stopListening = onAbort(signal, () => resolver.cancel());
    try {
      return await question(resolver);
    } catch (error) {
      signal.throwIfAborted();
      if (NO_SUCH_NAME.includes(systemCode(error) ?? "")) return undefined;
      if (systemCode(error) === NO_SUCH_RECORDS) return [];
      throw new QmtpError("dns-failed", `cannot look up ${what}: ${reason(error)}`, { cause: error });
    } finally {
      stopListening();
    }
  }

  #makeResolver(): Resolver {
    const resolver = new Resolver();
    const server = nameServer(this.#env);
    if (server !== undefined) resolver.setServers([server]);
    return resolver;
  }
}
