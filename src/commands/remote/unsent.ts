import { interruption, QmtpError } from "../../errors.ts";
import type { ExchangerRoute } from "../../qmail/exchanger-route.ts";

/** The result of a message that was not sent to a server. */
export interface Unsent {
  readonly letter: "Z" | "D";
  readonly text: string;
}

/** qmail-remote's text. */
const OWN =
  "Sorry. Although I'm listed as a best-preference MX or A for that host, " +
  "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)";

/** The result if DNS names no server for a host, and SMTP is not allowed. */
export function noServer(why: Exclude<ExchangerRoute["kind"], "qmtp">, host: string): Unsent {
  switch (why) {
    case "own":
      return { letter: "Z", text: OWN };
    case "no-such-host":
      return { letter: "D", text: `Sorry, I couldn't find any host named ${host}. (#5.1.2)` };
    case "smtp":
      return { letter: "D", text: `Sorry, no mail exchanger of ${host} speaks QMTP. (#5.4.4)` };
    case "no-address":
      return { letter: "Z", text: `Sorry, I found no address of the QMTP exchangers of ${host}. (#4.4.3)` };
  }
}

/** Codes of errors in how this host is set up, such as in DNSCACHEIP or control/me. */
const MISTAKES = ["usage", "unreadable-configuration"];

/** The result for a failed connection. @throws errors that do not concern the server */
export function refusal(error: unknown, signal: AbortSignal): Unsent {
  if (signal.aborted) return { letter: "Z", text: `${interruption(signal).message} (#4.3.0)` };
  if (!(error instanceof QmtpError) || MISTAKES.includes(error.code)) throw error;
  const { code, message } = error;
  if (code === "no-exchanger") return { letter: "D", text: `Sorry, I ${message}. (#5.4.4)` };
  if (code === "dns-failed") return { letter: "Z", text: `Sorry, I ${message}. (#4.4.3)` };
  return { letter: "Z", text: `Sorry, I wasn't able to establish a QMTP connection: ${message}. (#4.4.1)` };
}
