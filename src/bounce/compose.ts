import type { MaildirHead } from "../envelope/maildir-head.ts";
import { quoteLocalPart } from "../header/quote.ts";
import { type FileSnapshot, restOfFile } from "../message/file.ts";
import type { Package } from "../protocol/package.ts";
import type { BounceControl } from "./control.ts";

/** A message to be returned to its sender. */
export interface ReturnedMessage {
  readonly file: FileSnapshot;
  readonly head: MaildirHead;
  /** As sent to the server, without the prefix. */
  readonly recipient: Buffer;
  /** What the server said. */
  readonly reason: Buffer;
  /** The server's address, if it has one. */
  readonly server: string | null;
  /** Whether the server deferred it, and it is too old to try again. */
  readonly expired: boolean;
}

/** The sender of a double bounce; if that bounces too, it is discarded (qmail-send(8)). */
export const DOUBLE_BOUNCE_SENDER = Buffer.from("#@[]");
/** Bytes of a reason to quote; people read no more. */
const MAX_REASON = 2_000;

const TO_SENDER = "I'm sorry: your message could not be delivered to this recipient. I have given up.";
const TO_POSTMASTER = "A bounce could not be delivered to this recipient. It is returned to the postmaster.";
const TOO_OLD = "The server deferred it, and the message has waited too long.";

/**
 * Composes a bounce in QSBMF, the format of qmail-send's bounces (cr.yp.to/proto/qsbmf.txt): an introduction, a
 * paragraph for the recipient, a line that begins with a dash, the message. A double bounce is sent to the postmaster.
 */
export function composeBounce(returned: ReturnedMessage, control: BounceControl, now: Date): Package {
  const { file, head } = returned;
  const double = head.sender.length === 0;
  const to = double ? join(control.doubleTo.local, "@", control.doubleTo.host) : head.sender;
  const before = join(
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
      chunks: () => prepend(before, restOfFile(file, head.length)),
    },
  };
}

function header({ from }: BounceControl, to: Buffer, now: Date): (string | Buffer)[] {
  // "Mon, 23 Nov 2026 10:00:00 GMT", with the zone as mail writes it.
  const date = now.toUTCString().replace("GMT", "-0000");
  const sender = join(from.local, "@", from.host);
  return [
    `Date: ${date}\nFrom: `,
    quoteLocalPart(sender),
    "\nTo: ",
    quoteLocalPart(to),
    "\nSubject: failure notice\n\n",
  ];
}

function recipientParagraph({ recipient, reason, server, expired }: ReturnedMessage): (string | Buffer)[] {
  return ["<", recipient, ">:\n", `${replyText(reason, server)}\n`, expired ? `${TOO_OLD}\n\n` : "\n"];
}

/** Printable ASCII, on one line: an empty line would end the paragraph. */
function replyText(reason: Buffer, server: string | null): string {
  const latin1 = reason.subarray(0, MAX_REASON).toString("latin1");
  const text = latin1.replace(/[^\x20-\x7e]/g, "?").trim();
  if (text === "") return "The server gave no reason.";
  return server === null ? text : `${server} said: ${text}`;
}

function join(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

async function* prepend(before: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield before;
  yield* rest;
}
