import type { MaildirHead } from "../envelope/maildir-head.ts";
import { quoteLocalPart } from "../header/quote.ts";
import { type KnownFile, restOfFile } from "../message/file.ts";
import type { Package } from "../protocol/package.ts";
import type { BounceControl } from "./control.ts";

/** A message to be returned to its sender. */
export interface Returned {
  readonly file: KnownFile;
  readonly head: MaildirHead;
  /** As it was sent to the server, without the prefix. */
  readonly recipient: Buffer;
  /** What the server said. */
  readonly reason: Buffer;
  /** The server's address, if it has one. */
  readonly server: string | null;
  /** The server deferred it, and it is too old to try again. */
  readonly expired: boolean;
}

/** The sender of a bounce of a bounce; if that bounces too, it is discarded (qmail-send(8)). */
export const DOUBLE_BOUNCE_SENDER = Buffer.from("#@[]");
/** People read no more of a reason than this, in bytes. */
const MAX_REASON = 2_000;

const TO_SENDER = "I'm sorry: your message could not be delivered to this recipient. I have given up.";
const TO_POSTMASTER = "A bounce could not be delivered to this recipient. It is returned to the postmaster.";
const TOO_OLD = "The server deferred it, and the message has waited too long.";

/**
 * The bounce of a message in QSBMF, the format of qmail-send's bounces (cr.yp.to/proto/qsbmf.txt): the program, a
 * paragraph for the recipient, a line that begins with a dash, the message. The bounce of a bounce goes to the
 * postmaster.
 */
export function composeBounce(returned: Returned, control: BounceControl, now: Date): Package {
  const { file, head } = returned;
  const double = head.sender.length === 0;
  const to = double ? joined(control.doubleTo.local, "@", control.doubleTo.host) : head.sender;
  const before = joined(
    ...header(control, to, now),
    "Hi. This is the qmtp maildir program at ",
    control.from.host,
    `.\n${double ? TO_POSTMASTER : TO_SENDER}\n\n`,
    ...recipientParagraph(returned),
    `--- ${double ? "The bounce" : "Your message"} follows, unchanged.\n\n`,
    "Return-Path: <",
    double ? "" : quoteLocalPart(head.sender),
    ">\n",
  );
  return {
    sender: double ? DOUBLE_BOUNCE_SENDER : Buffer.alloc(0),
    recipients: [to],
    message: {
      encoding: "unix",
      length: before.length + file.bytes - head.length,
      chunks: () => followed(before, restOfFile(file, head.length)),
    },
  };
}

function header({ from }: BounceControl, to: Buffer, now: Date): (string | Buffer)[] {
  // "Mon, 23 Nov 2026 10:00:00 GMT", with the zone in mail's form.
  const date = now.toUTCString().replace("GMT", "-0000");
  const sender = joined(from.local, "@", from.host);
  return [
    `Date: ${date}\nFrom: `,
    quoteLocalPart(sender),
    "\nTo: ",
    quoteLocalPart(to),
    "\nSubject: failure notice\n\n",
  ];
}

function recipientParagraph({ recipient, reason, server, expired }: Returned): (string | Buffer)[] {
  return ["<", recipient, ">:\n", `${said(reason, server)}\n`, expired ? `${TOO_OLD}\n\n` : "\n"];
}

/** Printable ASCII, on one line: an empty one would end the paragraph. */
function said(reason: Buffer, server: string | null): string {
  const latin1 = reason.subarray(0, MAX_REASON).toString("latin1");
  const text = latin1.replace(/[^\x20-\x7e]/g, "?").trim();
  if (text === "") return "The server gave no reason.";
  return server === null ? text : `${server} said: ${text}`;
}

function joined(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

async function* followed(before: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield before;
  yield* rest;
}
