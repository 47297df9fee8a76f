import { usageError } from "../errors.ts";

/** Where a QMTP server is reached. */
export type Endpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** The port of QMTP over TCP (qmtp.txt, section 7). */
export const QMTP_PORT = 209;

const FORMS = "host, host:port, [address]:port, qmtp://host:port or unix:/path";

/**
 * Reads an endpoint as users write it.
 * @param defaultPort for an endpoint that names none
 * @param lowestPort 0 where the system may choose the port, to listen on
 * @throws {CommandError} usage
 */
export function parseEndpoint(text: string, defaultPort = QMTP_PORT, lowestPort = 1): Endpoint {
  const bad = (why: string) => usageError(`bad endpoint '${text}': ${why}; write ${FORMS}`);
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/") || path.includes("\0")) throw bad("the path must begin with /");
    return { kind: "unix", path };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined && scheme.toLowerCase() !== "qmtp") throw bad(`'${scheme}:' is unknown`);
  const rest = scheme === undefined ? text : text.slice("qmtp://".length);
  const { host, port } = splitPort(rest, bad);
  if (host === "") throw bad("the host is missing");
  if (!/^[^\s/@[\]\x00-\x1f\x7f]+$/.test(host)) throw bad("this is no host name");
  if (port === undefined) return { kind: "tcp", host, port: defaultPort };
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number < lowestPort || number > 65_535) {
    throw bad(`a port is a number from ${lowestPort} to 65535`);
  }
  return { kind: "tcp", host, port: number };
}

function splitPort(text: string, bad: (why: string) => Error): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    const host = bracketed[1] ?? "";
    if (!/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(host)) throw bad("brackets are for IPv6 addresses");
    return { host, port: bracketed[2] };
  }
  const colon = text.indexOf(":");
  if (colon === -1) return { host: text, port: undefined };
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  // A scheme of another kind, such as exec:command, reads like a host with a strange port.
  if (!/^\d+$/.test(port) && /^[a-z]+$/i.test(host))
    throw bad(`'${host}:' is unknown, or the port is no number`);
  if (port.includes(":")) throw bad("an IPv6 address stands in brackets");
  return { host, port };
}

/** The endpoint in full, as it is printed: it reads back as the same endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return `qmtp://${host}:${endpoint.port}`;
}
