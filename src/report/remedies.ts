import { type Code, type Hint, QmtpError } from "../errors.ts";

/** The error's message, with what to do about it on the command line. */
export function describe(error: Error): string {
  if (!(error instanceof QmtpError)) return error.message;
  if (error.parts.length > 0) return error.parts.map(describe).join("; ");
  const remedy = remedyFor(error);
  return remedy === undefined ? error.message : `${error.message}; ${remedy}`;
}

/** The client's text for a recipient, with what to do about the error behind it. */
export function withRemedy(text: Buffer, error: Error | undefined): Buffer {
  if (!(error instanceof QmtpError)) return text;
  if (text.equals(Buffer.from(error.message))) return Buffer.from(describe(error));
  const remedy = error.code === "missing-responses" ? SPLIT : remedyFor(error);
  return remedy === undefined ? text : Buffer.concat([text, Buffer.from(`; ${remedy}`)]);
}

/** For servers that answer once per package; only `send` has the option. */
export const SPLIT = "qmtp send --split avoids this";

/** For errors without a hint, by code. */
const REMEDIES: Readonly<Partial<Record<Code, string>>> = {
  "input-timeout": "check the program that writes it, or raise --max-time",
  "listen-failed": "name another endpoint with --listen",
  "unwritable-spool": "name another directory in TMPDIR",
  "unwritable-report": "name another file with --junit",
  "unwritable-trace": "name another file with --trace",
};

function remedyFor({ code, hint }: QmtpError): string | undefined {
  if (hint !== undefined) return remedyForHint(hint);
  return REMEDIES[code];
}

function remedyForHint(hint: Hint): string {
  switch (hint.kind) {
    case "trust-issuer":
      return `trust its issuer with --cacert <file>, or ${onlyThisKey(hint.pin)}`;
    case "trust-key":
      return `trust ${onlyThisKey(hint.pin)}`;
    case "certificate-name":
      return `name one of these with --tls-servername, or trust ${onlyThisKey(hint.pin)}`;
    case "pinned-key":
      return `trust it with --pinnedpubkey sha256//${hint.pin}`;
    case "own-certificate":
      return "check --cert";
    case "needs-certificate":
      return "use --cert and --key";
    case "maybe-needs-certificate":
      return "if it requires one, use --cert and --key";
    case "clear-text":
      return "this may be a port for clear text; without TLS, use qmtp://";
    case "speaks-tls":
      return "for QMTP over TLS, use qmtps://";
    case "other-protocol":
      return "name the port of a QMTP server, which is usually 209";
    case "bytes-in-file":
      return "put addresses that are not UTF-8 into a file, and name it with --to-file";
    case "literal-address":
      return "--literal accepts it unchanged";
  }
}

function onlyThisKey(pin: string): string {
  return `only this key with --insecure --pinnedpubkey sha256//${pin}`;
}
