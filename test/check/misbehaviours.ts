import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";

/** What a fault of the sink makes of a run. */
export interface Row {
  /** The cases that find it. */
  readonly found: readonly string[];
  /** Cases that find it, too, by the beginning of their ids. */
  readonly also?: readonly string[];
  /** Cases at once, if others would meet it, too. */
  readonly atOnce?: number;
  /** The sender, if it is not the null sender. */
  readonly sender?: string;
  /** Milliseconds to wait for nothing, if there is more to see then. */
  readonly waitMs?: number;
  /** Whether the sink speaks TLS. */
  readonly tls?: true;
}

const parts = (slug: string) => ["message", "sender", "list", "recipient"].map((part) => `6/${slug}-${part}`);

/** By hand: for each fault, the cases that fail. */
export const ROWS: Readonly<Partial<Record<Misbehaviour, Row>>> = {
  stall: { found: ["2/answers"] },
  "close-before-response": { found: ["2/answers"] },
  reset: { found: ["2/answers"] },
  "close-on-connect": { found: ["2/answers"], waitMs: 500 },
  "smtp-banner": {
    found: ["2/silent-at-connect", "2/silent-in-message", "2/silent-before-last-byte", "5/length"],
    waitMs: 500,
  },
  "early-response": {
    found: ["2/silent-in-message", "2/silent-before-last-byte", "2/no-extra-response"],
    also: ["4/no-recipients", "6/"],
    waitMs: 500,
  },
  "answer-early": { found: ["2/silent-before-last-byte", "2/cut-discarded"], waitMs: 500 },
  "one-response": { found: ["2/one-response-each", "2/same-address-twice", "4/many-recipients"] },
  "merge-recipients": { found: ["2/same-address-twice", "4/many-recipients"] },
  "extra-response": { found: ["2/no-extra-response"] },
  "swap-responses": { found: ["2/order"] },
  "close-after-first": { found: ["2/second-package"] },
  "drop-second-package": { found: ["2/two-in-one-write", "2/hundred-packages"] },
  "lose-after-16": { found: ["2/hundred-packages"] },
  "stop-reading": { found: ["2/unread-responses", "4/large-message"] },
  "wait-for-more": { found: ["2/whole-and-half"] },
  "whole-segments": { found: ["2/one-byte-segments"], also: ["4/contents"] },
  "two-clients": { found: ["2/four-connections"], atOnce: 1 },
  impatient: { found: ["2/after-silence"], waitMs: 300 },
  "no-half-close": { found: ["2/half-closed"] },
  "deliver-cut": { found: ["2/cut-discarded"], waitMs: 500 },
  "die-on-cut": { found: ["2/cut-serves-others"], also: ["6/serves-others"], atOnce: 1 },
  "forget-on-cut": { found: ["2/cut-keeps-accepted"] },
  "forget-accepted": { found: ["2/accepted-stays"] },
  "lose-responses": { found: ["2/answer-before-broken"] },
  "refuse-dos": { found: ["4/encoding-dos"] },
  "refuse-empty": { found: ["4/empty-message"] },
  "refuse-null-sender": { found: ["4/null-sender"], sender: "a@example.org" },
  "refuse-received": { found: ["4/example-1"] },
  "refuse-folding": { found: ["4/example-2"] },
  "close-on-nul": { found: ["4/contents"] },
  "close-on-quote": { found: ["4/sender-quotes"] },
  "close-on-8-bit": { found: ["4/sender-8-bit"] },
  "close-on-900": { found: ["4/sender-900"] },
  "close-on-1000": { found: ["4/sender-2000"] },
  "accept-no-recipients": { found: ["4/no-recipients"] },
  "hundred-recipients": { found: ["4/many-recipients"] },
  "off-by-one": { found: ["5/length"] },
  "bad-length": { found: ["5/length"] },
  garbage: { found: ["5/length"] },
  "empty-response": { found: ["5/not-empty"] },
  "bad-status": { found: ["5/status"] },
  "leading-space": { found: ["5/no-leading-blank"] },
  "stray-hash": { found: ["5/hash"] },
  "latin-1": { found: ["5/utf-8"] },
  "line-feed": { found: ["5/no-control"] },
  escapes: { found: ["5/utf-8", "5/no-control"] },
  "repeat-recipient": { found: ["5/no-recipient"] },
  "store-nothing": { found: ["5/stored-plain"] },
  "keep-dos": { found: ["5/stored-dos"] },
  "add-line-end": { found: ["5/stored-no-final-line-end", "5/stored-dos"] },
  "strip-high-bit": { found: ["5/stored-8-bit"] },
  "strip-nul": { found: ["5/stored-nul"] },
  "strip-cr": { found: ["5/stored-cr"] },
  "fold-lines": { found: ["5/stored-long-line"] },
  "strip-dot": { found: ["5/stored-dot"] },
  "quote-from": { found: ["5/stored-from"] },
  "accept-leading-zero": { found: parts("leading-zero") },
  "accept-empty-length": {
    found: ["6/empty-length-message", "6/empty-length-sender", "6/empty-length-recipient"],
  },
  "accept-letter": { found: parts("letter") },
  "accept-any-digit": { found: parts("not-a-digit") },
  "accept-sign": { found: parts("sign") },
  "accept-blank": { found: parts("blank") },
  "accept-missing-comma": { found: parts("missing-comma") },
  "accept-overrun": { found: ["6/recipient-beyond-list"] },
  "accept-short-list": { found: ["6/list-ends-in-recipient"] },
  "accept-long-length": { found: ["6/length-11-digits", "6/length-20-digits", "6/length-64-bits"] },
  "wrap-32": { found: ["6/length-32-bits", "6/length-64-bits"] },
  "wrap-64": { found: ["6/length-64-bits"] },
  "die-on-violation": { found: ["6/serves-others"], atOnce: 1 },
  "old-tls": { found: ["7/tls-versions"], tls: true },
  "clear-text": { found: ["7/no-clear-text"], tls: true },
  "die-on-handshake-cut": { found: ["7/handshake-cut"], tls: true, atOnce: 1 },
};
