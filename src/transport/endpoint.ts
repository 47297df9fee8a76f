import { usageError } from "../errors.ts";

/** Where to reach a QMTP server. */
export type Endpoint =
  | { readonly kind: "tcp" | "tls"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  /** A server to start as a child process, through the shell. */
  | { readonly kind: "exec"; readonly command: string }
  /** A connection on inherited descriptors, from a UCSPI client. */
  | { readonly kind: "ucspi" }
  | MxEndpoint;

/** The mail exchangers of a domain that speak QMTP. */
export interface MxEndpoint {
  readonly kind: "mx";
  readonly domain: string;
  readonly port: number;
}

export type HostEndpoint = Endpoint & { readonly kind: "tcp" | "tls" };

/** QMTP over TCP (qmtp.txt, section 7), and over TLS as s/qmail does it. */
const PORTS = { tcp: 209, tls: 6_209 } as const;
const SCHEMES = { tcp: "qmtp", tls: "qmtps" } as const;

const FORMS =
  "host, host:port, [address]:port, qmtp://host:port, qmtps://host:port, unix:/path, exec:command, ucspi: or mx:domain";

export interface PortRules {
  /** For an endpoint without a port; by default that of its scheme. */
  readonly port?: number | undefined;
  /** 0 if the system may choose a port to listen on; by default 1. */
  readonly lowest?: number;
}

type Bad = (why: string) => Error;

/**
 * Reads an endpoint as users write it.
 * @throws {QmtpError} usage
 */
export function parseEndpoint(text: string, ports: PortRules = {}): Endpoint {
  const bad: Bad = (why) => usageError(`bad endpoint '${text}': ${why}; write ${FORMS}`);
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/") || path.includes("\0")) throw bad("the path must begin with /");
    return { kind: "unix", path };
  }
  if (text.startsWith("exec:")) {
    const command = text.slice("exec:".length);
    if (command.trim() === "" || command.includes("\0")) throw bad("the command is missing");
    return { kind: "exec", command };
  }
  if (text === "ucspi:") return { kind: "ucspi" };
  if (text.startsWith("ucspi:")) throw bad("'ucspi:' takes no argument");
  if (text.startsWith("mx:")) {
    const rest = text.slice("mx:".length);
    // Only digits: the port of a host named mx, which needs `qmtp://`.
    if (/[[/]|^\d+$/.test(rest)) throw bad("a domain follows 'mx:'");
    const { host: domain, port } = parseHost(rest, ports, bad);
    return { kind: "mx", domain, port };
  }
  return parseHost(text, ports, bad);
}

function parseHost(text: string, ports: PortRules, bad: Bad): HostEndpoint {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  const kind = scheme?.toLowerCase() === SCHEMES.tls ? "tls" : "tcp";
  if (scheme !== undefined && scheme.toLowerCase() !== SCHEMES[kind]) throw bad(`'${scheme}:' is unknown`);
  const { host, port } = splitPort(scheme === undefined ? text : authority(text, scheme), bad);
  if (host === "") throw bad("the host is missing");
  if (!/^[^\s/@,;[\]\x00-\x1f\x7f]+$/.test(host)) throw bad("this is not a host name");
  if (port === undefined) return { kind, host, port: ports.port ?? PORTS[kind] };
  const lowest = ports.lowest ?? 1;
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number < lowest || number > 65_535) {
    throw bad(`a port is a number from ${lowest} to 65535`);
  }
  return { kind, host, port: number };
}

/** Without the scheme, and without the slash that people write at the end of a URL. */
function authority(text: string, scheme: string): string {
  return text.slice(`${scheme}://`.length).replace(/\/$/, "");
}

function splitPort(text: string, bad: Bad): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) {
    const host = bracketed[1] ?? "";
    if (!/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(host)) throw bad("brackets are for IPv6 addresses");
    return { host, port: bracketed[2] };
  }
  const colon = text.indexOf(":");
  if (colon === -1) return { host: text, port: undefined };
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  // An unknown scheme without slashes looks like a host with a bad port.
  if (!/^\d+$/.test(port) && /^[a-z]+$/i.test(host))
    throw bad(`'${host}:' is unknown, or the port is not a number`);
  if (port.includes(":")) throw bad("put an IPv6 address in brackets");
  return { host, port };
}

/** The endpoint in full, for output. Parsing it gives the same endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "unix":
      return `unix:${endpoint.path}`;
    case "exec":
      return `exec:${endpoint.command}`;
    case "ucspi":
      return "ucspi:";
    case "mx":
      return `mx:${endpoint.domain}${endpoint.port === PORTS.tcp ? "" : `:${endpoint.port}`}`;
    default: {
      const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
      return `${SCHEMES[endpoint.kind]}://${host}:${endpoint.port}`;
    }
  }
}
