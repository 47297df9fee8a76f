/** Who is at fault: we or our user (local), the server (remote), or the path between (transport). */
export type Fault = "local" | "remote" | "transport";

/**
 * Every error code with its default fault and its meaning. Scripts read the codes in JSON, so they never change.
 */
export const CODES = {
  usage: ["local", "the command line is invalid; retrying will not help"],
  "bad-header": ["local", "the header does not say clearly who the recipients are; retrying will not help"],
  "bad-envelope": ["local", "the envelope does not follow qmail-queue's format"],
  "envelope-too-large": ["local", "the envelope is too long"],
  "address-too-long": ["local", "an address is longer than qmail-queue accepts; retrying will not help"],
  "unreadable-input": ["local", "a file or standard input cannot be read"],
  "unwritable-file": ["local", "a file for a message cannot be written"],
  "input-timeout": ["local", "a file or standard input did not end within the time of the run"],
  "unwritable-spool": ["local", "the message cannot be stored in the directory for temporary files"],
  "unwritable-trace": ["local", "the file for the transcript cannot be written"],
  "unwritable-report": ["local", "the test report cannot be written"],
  "unreadable-configuration": ["local", "a control file, certificate or key is missing or wrong"],
  "unreadable-maildir": ["local", "the maildir cannot be read"],
  "unwritable-maildir": ["local", "the maildir cannot be created, or its files cannot be removed"],
  "maildir-locked": ["local", "another run is delivering the maildir"],
  "unlockable-maildir": ["local", "the maildir cannot be locked"],
  "listen-failed": ["local", "the sink cannot listen on its endpoint"],
  "not-under-ucspi": ["local", "there is no connection on descriptors 6 and 7"],
  "no-exchanger": ["remote", "DNS names no QMTP exchanger for the domain; retrying will not help"],
  "dns-failed": ["transport", "DNS did not answer"],
  "connect-failed": ["transport", "no server could be reached"],
  "connect-timeout": ["transport", "no connection within the time limit"],
  "tls-failed": ["remote", "the TLS handshake failed"],
  "tls-untrusted": ["remote", "the server's certificate or key is not trusted"],
  "connection-refused": ["remote", "the server ended the connection before it read anything"],
  "connection-closed": ["remote", "the server closed the connection before it sent every response"],
  "connection-failed": ["transport", "the connection broke before every response came"],
  "no-progress": ["remote", "nothing was sent or received for too long"],
  "session-too-long": ["remote", "the session reached its time limit"],
  "missing-responses": ["remote", "fewer responses than the package has recipients"],
  "protocol-violation": ["remote", "the server broke the protocol"],
  "message-unreadable": ["local", "the message could not be read to its end, or changed while it was sent"],
  interrupted: ["local", "a signal ended the run"],
  unexpected: ["local", "a bug in this program"],
} as const satisfies Record<string, readonly [Fault, string]>;

/** What went wrong, for programs: codes never change. qmtp(1) lists them. */
export type Code = keyof typeof CODES;

/** A fact from which the user interface derives what to do. */
export type Hint =
  | { readonly kind: "trust-issuer" | "trust-key" | "certificate-name" | "pinned-key"; readonly pin: string }
  | { readonly kind: "own-certificate" | "needs-certificate" | "maybe-needs-certificate" }
  | { readonly kind: "bytes-in-file" | "literal-address" }
  | { readonly kind: "clear-text" | "speaks-tls" | "other-protocol" };

interface Details {
  readonly fault?: Fault;
  readonly cause?: unknown;
  readonly hint?: Hint | undefined;
  /** If several attempts failed, the error of each. */
  readonly parts?: readonly QmtpError[];
}

/**
 * The one type for what went wrong: thrown for a wrong argument or an input that cannot be read, a value if it ends a
 * session. The message says in one line what happened to what.
 */
export class QmtpError extends Error {
  /** The build makes several files, each with its own copy of this class: they recognise each other's errors. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "QmtpError";
  }

  override readonly name = "QmtpError";
  /** What went wrong. */
  readonly code: Code;
  /** Who is at fault. */
  readonly fault: Fault;
  /** From which `qmtp` derives the options that may help. */
  readonly hint: Hint | undefined;
  /** If several attempts failed, the error of each. */
  readonly parts: readonly QmtpError[];

  constructor(code: Code, message: string, { fault, cause, hint, parts = [] }: Details = {}) {
    super(message, { cause });
    this.code = code;
    this.fault = fault ?? CODES[code][0];
    this.hint = hint;
    this.parts = parts;
    releaseObjects(this);
    if (cause instanceof Error) releaseObjects(cause);
  }
}

/**
 * Until its stack is read, an error keeps all objects whose methods were running: here, a whole session with its socket
 * and buffers, for as long as its result is kept.
 */
function releaseObjects(error: Error): void {
  void error.stack;
}

/** The command line is invalid; retrying will not help. */
export function usageError(message: string, hint?: Hint): QmtpError {
  return new QmtpError("usage", message, { hint });
}

/** An input that cannot be read now; a later run may succeed. */
export function inputError(message: string, cause?: unknown): QmtpError {
  return new QmtpError("unreadable-input", message, { cause });
}

/** @param name a path, or "standard input" */
export function unreadable(name: string, error: unknown): QmtpError {
  const remedy =
    name === "standard input" ? "redirect a file or a pipe to it" : "name a file that can be read";
  return inputError(`cannot read ${visiblePath(name)}: ${reason(error)}; ${remedy}`, error);
}

/** A path for a message: an empty one would be invisible. */
export function visiblePath(path: string): string {
  return path === "" ? "''" : path;
}

/** The same as a usage error: the command line names something that can never be read. */
export function unreadableArgument(name: string, error: unknown): QmtpError {
  return usageError(unreadable(name, error).message);
}

/**
 * The time of the run was over before all input was read.
 * @param begun whether some of it was read
 */
export function inputTimeout(name: string, ms: number, begun: boolean): QmtpError {
  const path = visiblePath(name);
  const time = `${ms / 1_000} s`;
  const message = begun
    ? `the end of ${path} was not reached within ${time}`
    : `nothing was read from ${path} within ${time}`;
  return new QmtpError("input-timeout", message);
}

/** A signal came before all input was read. */
export function interruptedReading(name: string, signal: AbortSignal): QmtpError {
  return inputError(`interrupted by ${reason(signal.reason)} while reading ${name}; nothing was sent`);
}

/** The error to report for a failure to read: the signal, if one came. */
export function readingFailed(name: string, signal: AbortSignal, error: unknown): unknown {
  return signal.aborted ? interruptedReading(name, signal) : error;
}

/** A signal ended the session, or came before it began. */
export function interruption(signal: AbortSignal): QmtpError {
  return new QmtpError("interrupted", `interrupted by ${reason(signal.reason)}`);
}

/** The time of the whole run is over. */
export function runOver(ms: number): QmtpError {
  return new QmtpError("session-too-long", `the run was ended after ${ms / 1_000} s`);
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the address is already in use",
  EADDRNOTAVAIL: "no such address on this host",
  EAI_AGAIN: "temporary failure in name resolution",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EBADRESP: "the answer from DNS is malformed",
  EDQUOT: "disk quota exceeded",
  EEXIST: "something else is in its place",
  EFORMERR: "the name server does not understand the question",
  EFBIG: "file too large",
  EHOSTUNREACH: "host unreachable",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENETUNREACH: "network unreachable",
  ENODATA: "host not found",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  ENOTFOUND: "host not found",
  ENOTIMP: "the name server does not support the question",
  // When opening without waiting.
  ENXIO: "it is a socket, or a named pipe without a reader",
  EPERM: "operation not permitted",
  EPIPE: "connection closed",
  EREFUSED: "the name server refuses to answer",
  EROFS: "read-only file system",
  ESERVFAIL: "the name server failed",
  ETIMEDOUT: "connection timed out",
  ETIMEOUT: "no answer from DNS",
};

/** A system error in plain words, without the path and the system call that Node adds. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = systemCode(error);
  // OpenSSL's full messages include the names of its source files; its reason is enough.
  if (/^ERR_O?SSL_/.test(code ?? "") && "reason" in error) return String(error.reason);
  return (code !== undefined && SYSTEM_ERRORS[code]) || error.message;
}

/** The system's code for an error, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && !(error instanceof QmtpError) ? code : undefined;
}
