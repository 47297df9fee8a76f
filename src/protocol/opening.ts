/** What a server may speak instead of QMTP. */
export type OtherProtocol = "ftp" | "http" | "imap" | "pop3" | "smtp" | "ssh" | "tls";

/** What a server that sent no response began with. */
export interface Opening {
  /** Its first line, or the beginning of that: printable ASCII, other bytes as `\xNN`. */
  readonly quoted: string;
  /** Undefined if it is none that we know. */
  readonly protocol: OtherProtocol | undefined;
}

/** Bytes that are enough to know a protocol by, and to quote. */
export const OPENING_LENGTH = 64;

/** By the first bytes that a server sends: its greeting, or its answer to bytes that it does not understand. */
const BEGINNINGS: readonly (readonly [OtherProtocol, RegExp])[] = [
  ["ftp", /^220[ -](?!.*SMTP).*FTP/i],
  ["smtp", /^[245]\d\d[ -]/],
  ["http", /^HTTP\/\d|^<(!doctype )?html/i],
  ["ssh", /^SSH-\d/],
  ["pop3", /^(\+OK|-ERR)\b/],
  ["imap", /^\* (OK|PREAUTH|BYE)\b/],
  // A record of TLS or SSL 3: change_cipher_spec, alert, handshake or data, then the version.
  ["tls", /^[\x14-\x17]\x03[\x00-\x04]/],
];

/**
 * What the first bytes from a server show.
 * @returns undefined if they look like a netstring with a fault in it: then the fault says more
 */
export function openingOf(bytes: Buffer): Opening | undefined {
  const text = bytes.subarray(0, OPENING_LENGTH).toString("latin1");
  const protocol = BEGINNINGS.find(([, pattern]) => pattern.test(text))?.[0];
  if (protocol === undefined && /^\d/.test(text)) return undefined;
  const line = protocol === "tls" ? text : text.split(/[\r\n]/)[0] || text;
  return { protocol, quoted: quote(line, bytes) };
}

function quote(line: string, bytes: Buffer): string {
  const escaped = line.replace(
    /[^\x20-\x7e]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return line.length === OPENING_LENGTH && bytes.length >= OPENING_LENGTH ? `${escaped}...` : escaped;
}
