import { QmtpError, reason } from "../errors.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { type ControlEntry, readControlLines } from "./control.ts";

/** What the control files say about mail for a host. */
export type ControlRoute =
  /** Only this server. */
  | { readonly kind: "relay"; readonly endpoint: Endpoint }
  /** The host's exchangers, only by QMTP. */
  | { readonly kind: "exchangers" }
  | { readonly kind: "smtp" };

type Table = ReadonlyMap<string, ControlEntry>;

/** The key for mail with the null sender. */
const NULL_SENDER = "!@";

/** The routes in control/qmtproutes and control/smtproutes in the qmail home. */
export class Routes {
  readonly #qmtp: Table;
  readonly #smtp: Table;

  constructor(qmtproutes: readonly ControlEntry[], smtproutes: readonly ControlEntry[]) {
    this.#qmtp = tableOf(qmtproutes);
    this.#smtp = tableOf(smtproutes);
  }

  /** @throws {QmtpError} unreadable-configuration */
  static read(home: string): Routes {
    return new Routes(readControlLines(home, "qmtproutes"), readControlLines(home, "smtproutes"));
  }

  /**
   * Finds the most specific route. For equal keys, QMTP takes precedence over SMTP.
   * @param port the port of relays without one
   * @returns undefined if DNS is to decide
   * @throws {QmtpError} unreadable-configuration
   */
  find(host: string, isNullSender: boolean, port: number | undefined): ControlRoute | undefined {
    const keys = isNullSender ? [NULL_SENDER, ...keysOf(host)] : keysOf(host);
    for (const key of keys) {
      const relay = this.#qmtp.get(key);
      if (relay !== undefined) return relayOf(relay, port);
      if (this.#smtp.has(key)) return { kind: "smtp" };
    }
    return undefined;
  }
}

/** If a key is repeated, the last line counts. A line without a colon is not a route. */
function tableOf(lines: readonly ControlEntry[]): Table {
  const table = new Map<string, ControlEntry>();
  for (const { text, origin } of lines) {
    const colon = text.indexOf(":");
    if (colon === -1) continue;
    table.set(text.slice(0, colon).toLowerCase(), { text: text.slice(colon + 1), origin });
  }
  return table;
}

/** The keys for a host: itself, each suffix that begins with a dot, and the key for all hosts. */
function keysOf(host: string): string[] {
  const lower = host.toLowerCase();
  const dots = [...lower.matchAll(/\./g)].map(({ index }) => index).filter((index) => index > 0);
  return [lower, ...dots.map((index) => lower.slice(index)), ""];
}

function relayOf({ text, origin }: ControlEntry, port: number | undefined): ControlRoute {
  if (text === "") return { kind: "exchangers" };
  try {
    const endpoint = parseEndpoint(withColon(text), { port });
    if (endpoint.kind === "ucspi") throw new Error("ucspi: is not a relay");
    return { kind: "relay", endpoint: isUrl(text) ? endpoint : withTls(endpoint) };
  } catch (error) {
    throw new QmtpError("unreadable-configuration", `${origin}: ${reason(error)}`, { cause: error });
  }
}

function isUrl(text: string): boolean {
  return /^(?:[a-z]+:\/\/|(?:unix|exec|mx):)/i.test(text);
}

/** s/qmail separates the port with a semicolon, indimail with a colon. */
function withColon(text: string): string {
  return isUrl(text) ? text : text.replace(/;(\d+)$/, ":$1");
}

/** In s/qmail's routes, this port means QMTP over TLS. */
const TLS_PORT = 6_209;

function withTls(endpoint: Endpoint): Endpoint {
  return endpoint.kind === "tcp" && endpoint.port === TLS_PORT ? { ...endpoint, kind: "tls" } : endpoint;
}
