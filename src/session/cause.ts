import { type Code, type Hint, interruption, QmtpError, runOver } from "../errors.ts";
import type { DeferralTexts } from "../protocol/ledger.ts";
import type { Opening, OtherProtocol } from "../protocol/opening.ts";

/** Why packages got no response, and what to report for their recipients. */
export interface Cause {
  readonly error: QmtpError;
  readonly texts: DeferralTexts;
}

const seconds = (ms: number) => `${ms / 1000} s`;

/** A cause with the same text for packages that were sent and packages that were not. */
export function causeOf(error: QmtpError): Cause {
  return { error, texts: { sent: `${error.message}; no response came`, unsent: error.message } };
}

/** The connection ended before all responses had come. */
function cutOff(code: Code, what: string, where: string): Cause {
  const message = `${what} ${where}`;
  const unsent = `${what} before the message was sent`;
  const limit = "the server may have a limit on size; qmail's old one is 200,000,000 bytes";
  const unsentLarge = `${unsent}: ${limit}`;
  return { error: new QmtpError(code, message), texts: { sent: message, unsent, unsentLarge } };
}

/** @param withinResponse whether it closed in the middle of a response */
export function connectionClosed(withinResponse: boolean): Cause {
  const where = withinResponse ? "in the middle of a response" : "before a response came";
  return cutOff("connection-closed", "connection closed", where);
}

/** @param why the system's reason: connection reset, host unreachable */
export function connectionFailed(why: string): Cause {
  return cutOff("connection-failed", why, "before a response came");
}

/** The server refused the connection before it read anything. */
export function connectionRefused(error: QmtpError): Cause {
  return { error, texts: { sent: error.message, unsent: error.message, undelivered: true } };
}

export function noProgress(ms: number): Cause {
  return failure("no-progress", `idle for ${seconds(ms)}`);
}

/** The time of the whole run is over. */
export function runTooLong(ms: number): Cause {
  const texts = {
    sent: `no response came within ${seconds(ms)}`,
    unsent: `it could not be sent within ${seconds(ms)}`,
  };
  return { error: runOver(ms), texts };
}

export function sessionTooLong(ms: number): Cause {
  return failure("session-too-long", `the session was ended after ${seconds(ms)}`);
}

/**
 * Some recipients of a package got a response; for the others, none came in time.
 * @param answers how many responses came
 */
export function missingResponses(answers: number): Cause {
  const [message, sent] =
    answers === 1
      ? [
          "one response for several recipients: this server seems to answer once per package",
          "no response for this recipient: this server seems to answer once per package",
        ]
      : [
          "fewer responses than the package has recipients",
          "no response for this recipient, only for others before it",
        ];
  return {
    error: new QmtpError("missing-responses", message),
    texts: { sent, unsent: "the session ended before the message was sent" },
  };
}

/** @param opening the server's first bytes, if they are not a response */
export function protocolViolation(message: string, opening?: Opening): Cause {
  if (opening?.protocol !== undefined) return otherProtocol(opening.quoted, opening.protocol);
  const what = opening === undefined ? ` (${message})` : `: it answered "${opening.quoted}"`;
  return failure("protocol-violation", `the server broke the protocol${what}`);
}

const LOOKS_LIKE: Readonly<Record<OtherProtocol, string>> = {
  ftp: "an FTP server",
  http: "an HTTP server",
  imap: "an IMAP server",
  pop3: "a POP3 server",
  smtp: "an SMTP server",
  ssh: "an SSH server",
  tls: "TLS",
};

/** A server that speaks another protocol has delivered nothing, whatever it has read. */
function otherProtocol(quoted: string, protocol: OtherProtocol): Cause {
  const message = `it answered "${quoted}": this looks like ${LOOKS_LIKE[protocol]}`;
  const error = new QmtpError("protocol-violation", message, { hint: hintFor(protocol) });
  return { error, texts: { sent: message, unsent: message, undelivered: true } };
}

/** A server spoke before it had a package. */
export function outOfTurn({ quoted, protocol }: Opening): QmtpError {
  const message = `it spoke out of turn: "${quoted}"`;
  if (protocol === undefined) return new QmtpError("protocol-violation", message);
  const looks = `${message}: this looks like ${LOOKS_LIKE[protocol]}`;
  return new QmtpError("protocol-violation", looks, { hint: hintFor(protocol) });
}

function hintFor(protocol: OtherProtocol): Hint {
  return { kind: protocol === "tls" ? "speaks-tls" : "other-protocol" };
}

export function messageUnreadable(message: string): Cause {
  return failure("message-unreadable", message);
}

export function interrupted(signal: AbortSignal): Cause {
  return causeOf(interruption(signal));
}

function failure(code: Code, message: string): Cause {
  return causeOf(new QmtpError(code, message));
}
