/** Protocols that a server may speak instead of QMTP. */
export type OtherProtocol = "ftp" | "http" | "imap" | "pop3" | "smtp" | "ssh" | "tls";

/** The first bytes of a server that sent no response. */
export interface Opening {
  /** Its first line, or the beginning of that: printable ASCII, other bytes as `\xNN`. */
  readonly quoted: string;
  /** Undefined if we do not recognise it. */
  readonly protocol: OtherProtocol | undefined;
}

/** Bytes to keep: enough to recognise a protocol, and to quote. */
export const OPENING_LENGTH = 64;

/** How servers of other protocols begin: with a greeting, or an answer to bytes that they do not understand. */
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
 * Recognises a protocol by the server's first bytes.
 * @returns undefined if they look like a faulty netstring: then the fault says more
 */
export function openingOf(bytes: Buffer): Opening | undefined {
  const opening = readOpening(bytes);
  return opening.protocol === undefined && /^\d/.test(opening.quoted) ? undefined : opening;
}

/** The same for a server that owes no response: its first bytes are quoted, whatever they are. */
export function readOpening(bytes: Buffer): Opening {
  const text = bytes.subarray(0, OPENING_LENGTH).toString("latin1");
  const protocol = BEGINNINGS.find(([, pattern]) => pattern.test(text))?.[0];
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
