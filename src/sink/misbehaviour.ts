/** Faults of the server, and what it does then. */
const ON_SERVER = {
  "old-tls": "also offers TLS 1.0 and 1.1",
  "clear-text": "speaks to clients in the clear on a port for TLS",
  "die-on-handshake-cut": "serves no other client after one has closed during the TLS handshake",
} as const;

/** Faults of a connection. */
const ON_CONNECTION = {
  "close-on-connect": "closes the connection as soon as a client connects",
  "smtp-banner": "greets like an SMTP server, and answers nothing",
  "two-clients": "turns clients away while two others are connected",
  impatient: "closes the connection after 2 s of silence",
  "whole-segments": "closes the connection if a package does not arrive in one piece",
  "stop-reading": "reads 1 MiB from a client, and no more",
  "close-after-first": "closes the connection after its first answer",
  "lose-after-16": "answers 16 packages of a connection, and no more",
  "drop-second-package": "throws away what arrives together with a package, behind it",
  "wait-for-more": "delays its responses while the next package is incomplete",
  "no-half-close": "drops its responses once the client has closed its side",
  "lose-responses": "closes without the responses it owes when a broken package follows",
  "forget-accepted": "forgets what it has accepted when a broken package follows",
  "forget-on-cut": "forgets what it has accepted when the client closes in the middle of the next package",
  "deliver-cut": "stores a message whose package was cut before its last byte",
  "die-on-cut": "serves no other client after one has closed in the middle of a package",
  "die-on-violation": "serves no other client after one has broken the protocol",
  "answer-early": "answers before the last byte of a package has arrived",
  "accept-leading-zero": "accepts zeros before a length",
  "accept-empty-length": "takes an empty length for zero",
  "accept-letter": "skips letters in a length",
  "accept-any-digit": "computes lengths without checking that their bytes are digits",
  "accept-sign": "accepts a sign before a length",
  "accept-blank": "accepts a blank before a length",
  "accept-missing-comma": "takes any byte for a comma",
  "accept-overrun": "accepts a recipient that reaches beyond the list of recipients",
  "accept-short-list": "accepts a recipient that the end of the list cuts short",
  "accept-long-length": "accepts a message whose length has more than ten digits before it has come",
  "accept-no-recipients": "accepts a package without recipients, and answers it once",
  "wrap-32": "computes lengths in 32 bits",
  "wrap-64": "computes lengths in 64 bits",
} as const;

/** Faults of a package. */
const ON_PACKAGE = {
  "close-mid-package": "closes the connection as soon as a package begins",
  "close-before-response": "closes the connection instead of answering a package",
  "close-mid-response": "closes the connection in the middle of the last response to a package",
  reset: "resets the connection instead of answering a package",
  "one-response": "answers once per package, however many recipients it has",
  "merge-recipients": "answers once for recipients in a row that are the same",
  "swap-responses": "answers the recipients of a package in reverse order",
  "early-response": "answers once as soon as a package begins, and again when it ends",
  "extra-response": "sends one response too many",
  "bad-length": "puts a zero before the length of each response",
  "off-by-one": "announces one byte less than each response has",
  "bad-status": "begins each response with X",
  "empty-response": "sends empty responses",
  "leading-space": "begins the text of each response with a blank",
  "repeat-recipient": "repeats the recipient in the text of each response",
  "line-feed": "puts a line feed into the text of each response",
  "latin-1": "puts a byte that is not UTF-8 into the text of each response",
  "stray-hash": "puts a # that begins no status code into the text of each response",
  garbage: "sends random bytes instead of responses",
  escapes: "puts terminal control sequences into the text of each response",
  drip: "sends its responses one byte at a time",
  stall: "reads packages and never answers",
  "refuse-dos": "defers messages in the encoding dos",
  "refuse-empty": "defers messages without a byte",
  "refuse-null-sender": "refuses the null sender",
  "refuse-received": "refuses messages with a Received field",
  "refuse-folding": "refuses messages with a folded field",
  "hundred-recipients": "closes the connection at a package with more than 100 recipients",
  "close-on-nul": "closes the connection at a message with NUL",
  "close-on-quote": "closes the connection at a sender with a quote",
  "close-on-8-bit": "closes the connection at a sender with bytes beyond ASCII",
  "close-on-900": "closes the connection at a sender of 900 to 999 bytes",
  "close-on-1000": "closes the connection at a sender of 1000 bytes or more",
  "store-nothing": "accepts messages and stores none",
  "keep-dos": "stores messages in the encoding dos with CR LF",
  "add-line-end": "stores messages with a line end after the last line",
  "strip-high-bit": "stores messages without the eighth bit",
  "strip-nul": "stores messages without NUL",
  "strip-cr": "stores messages without CR",
  "fold-lines": "stores messages with long lines broken",
  "strip-dot": "stores messages without the dot that begins a line",
  "quote-from": "stores messages with > before lines that begin with From",
} as const;

export const MISBEHAVIOURS = { ...ON_SERVER, ...ON_CONNECTION, ...ON_PACKAGE } as const;

export type Misbehaviour = keyof typeof MISBEHAVIOURS;

/** What happens to a connection or package. */
export type Kinds = ReadonlySet<Misbehaviour>;

/** Whether it happens when a client connects. */
export function isOnConnection(kind: Misbehaviour): boolean {
  return Object.hasOwn(ON_CONNECTION, kind);
}

/** Whether it happens for each package. */
export function isOnPackage(kind: Misbehaviour): boolean {
  return Object.hasOwn(ON_PACKAGE, kind);
}

/** Whether it stores what it has accepted only when it knows how the connection goes on. */
export function storesLate(kinds: Kinds): boolean {
  return kinds.has("forget-accepted") || kinds.has("forget-on-cut");
}

export const BANNER = "220 sink.example.org ESMTP\r\n";

/** How the connection ends after the answer to a package, or undefined if it goes on. */
export function closesAfterPackage(kinds: Kinds): "reset" | "close" | undefined {
  if (kinds.has("reset")) return "reset";
  const closes =
    kinds.has("close-after-first") || kinds.has("close-before-response") || kinds.has("close-mid-response");
  return closes ? "close" : undefined;
}
