import type { Fault } from "../errors.ts";
import type { Abandonment } from "../protocol/ledger.ts";

/** Why a session ended before everything was answered. `code` is stable: scripts read it in `--json`. */
export interface Cause {
  readonly code:
    | "connection-closed"
    | "connection-failed"
    | "connection-refused"
    | "no-progress"
    | "session-too-long"
    | "missing-responses"
    | "protocol-violation"
    | "message-unreadable"
    | "interrupted";
  readonly fault: Fault;
  /** What happened, for people. */
  readonly message: string;
  readonly words: Abandonment;
}

const seconds = (ms: number) => `${ms / 1000} s`;

/** One wording for both kinds of recipients. */
function both(code: Cause["code"], fault: Fault, message: string): Cause {
  return { code, fault, message, words: { sent: `${message}; no response came`, unsent: message } };
}

/** The connection came to its end before the responses did. */
function broken(code: Cause["code"], fault: Fault, what: string, where: string): Cause {
  const unsent = `${what} before the message was sent`;
  const unsentLarge = `${unsent}; it is larger than the 200,000,000 bytes that qmail's servers take`;
  return {
    code,
    fault,
    message: `${what} ${where}`,
    words: { sent: `${what} ${where}`, unsent, unsentLarge },
  };
}

/** @param withinResponse whether a response had begun */
export function connectionClosed(withinResponse: boolean): Cause {
  const where = withinResponse ? "in the middle of a response" : "before a response came";
  return broken("connection-closed", "remote", "connection closed", where);
}

/** @param why the system's reason: connection reset, host unreachable */
export function connectionFailed(why: string): Cause {
  return broken("connection-failed", "transport", why, "before a response came");
}

/** The server would have nothing to do with us, and has read nothing. */
export function connectionRefused(why: string): Cause {
  return {
    code: "connection-refused",
    fault: "remote",
    message: why,
    words: { sent: why, unsent: why, unread: true },
  };
}

export function noProgress(ms: number): Cause {
  return both("no-progress", "remote", `nothing could be sent or received for ${seconds(ms)}`);
}

export function sessionTooLong(ms: number): Cause {
  return both("session-too-long", "remote", `the session was ended after ${seconds(ms)}`);
}

/** Some recipients of a package had a response, and the others none for too long. */
export function missingResponses(): Cause {
  return {
    code: "missing-responses",
    fault: "remote",
    message: "fewer responses than the package has recipients",
    words: {
      sent: "no response for this recipient, only for others before it; try --split",
      unsent: "the session ended before the message was sent",
    },
  };
}

export function protocolViolation(message: string): Cause {
  return both("protocol-violation", "remote", `the server broke the protocol (${message})`);
}

export function messageUnreadable(message: string): Cause {
  return both("message-unreadable", "local", message);
}

export function interrupted(signal: string): Cause {
  return both("interrupted", "local", `interrupted by ${signal}`);
}
