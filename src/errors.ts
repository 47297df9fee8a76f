/** Who is at fault: ourselves or our user, the server, or the path between. */
export type Fault = "local" | "remote" | "transport";

/** Why something ended early. `code` is stable: scripts read it in `--json`. */
export interface Problem {
  readonly code: string;
  readonly fault: Fault;
  readonly message: string;
}

/**
 * What ends a command before it has results: one line on standard error, saying what, where and what to do.
 * `code` is stable; where there are recipients to report on, scripts read it in `--json`.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  readonly fault: Fault;

  constructor(message: string, traits: { code: string; fault?: Fault; cause?: unknown }) {
    super(message, { cause: traits.cause });
    this.code = traits.code;
    this.fault = traits.fault ?? "local";
  }
}

/** What the user wrote cannot be meant: trying again does not help. */
export function usageError(message: string): CommandError {
  return new CommandError(message, { code: "usage" });
}

/** What should be read cannot be read; a later run may find it. */
export function inputError(message: string, cause?: unknown): CommandError {
  return new CommandError(message, { code: "unreadable-input", cause });
}

/** What could not be read, by its path or as "standard input". */
export function unreadable(name: string, error: unknown): CommandError {
  const remedy =
    name === "standard input" ? "redirect a file or a pipe to it" : "name a file that can be read";
  return inputError(`cannot read ${name}: ${reason(error)}; ${remedy}`, error);
}

/** The user changed their mind while something was read. */
export function interruptedReading(name: string, signal: AbortSignal): CommandError {
  return inputError(`interrupted by ${reason(signal.reason)} while reading ${name}; nothing was sent`);
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the address is already in use",
  EADDRNOTAVAIL: "no such address on this host",
  EAI_AGAIN: "temporary failure in name resolution",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EDQUOT: "disk quota exceeded",
  EEXIST: "something else is in its place",
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
  ENXIO: "something else is in its place",
  EPERM: "operation not permitted",
  EPIPE: "connection closed",
  EROFS: "read-only file system",
  ETIMEDOUT: "connection timed out",
};

/** A system error in words, without the path and the name of the system call that Node puts around them. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = systemCode(error);
  // OpenSSL's messages are for those who read its source; what it calls the reason is not.
  if (/^ERR_O?SSL_/.test(code ?? "") && "reason" in error) return String(error.reason);
  return (code !== undefined && WORDS[code]) || error.message;
}

/** The system's name for an error, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The server ended a connection that had come about, before it read anything that was sent over it. */
export class ConnectionRefused extends Error {}
