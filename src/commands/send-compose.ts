import { hostname } from "node:os";
import { basename } from "node:path";
import { version } from "../../package.json";
import type { Context } from "../context.ts";
import { quoteLocalPart } from "../envelope/quote.ts";
import { mailDate } from "../header/date.ts";
import { newMessageId } from "../header/identity.ts";
import type { Composition } from "../message/compose.ts";
import { type MessageOptions, type OpenMessage, openFile, openStream } from "../message/open.ts";
import type { Message } from "../protocol/package.ts";
import type { ComposedFields } from "./composed-fields.ts";
import { openInput } from "./send-input.ts";
import type { ComposeOptions, SendOptions } from "./send-options.ts";

/** From whom and to whom, for the fields. */
export interface Parties {
  readonly sender: Buffer;
  readonly to: readonly Buffer[];
}

/**
 * Composes the message, which is then kept like one from a pipe.
 * @throws {CommandError} unreadable-input, unwritable-spool
 */
export async function openComposed(
  fields: ComposedFields,
  parties: Parties,
  options: SendOptions,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage> {
  const opened: OpenMessage[] = [];
  const keep = async (opening: Promise<OpenMessage>): Promise<Message> => {
    const open = await opening;
    opened.push(open);
    return open.message;
  };
  const { compose } = await import("../message/compose.ts");
  try {
    const asText = { ...format, encoding: "unix" } as const;
    const attachments = [];
    for (const path of options.attach ?? []) {
      attachments.push({
        filename: basename(path),
        content: await keep(openFile(path, { ...asText, raw: true })),
      });
    }
    const html = options.html === undefined ? undefined : await keep(openFile(options.html, asText));
    const text = readsInput(options, context)
      ? await keep(openInput(options.file, asText, context))
      : ownText(options);
    const stream = await compose({ ...fieldsOf(fields, parties, options), text, html, attachments });
    return await openStream(stream, "the composed message", format);
  } finally {
    for (const open of opened) open.close();
  }
}

function fieldsOf(
  { headers, cc, replyTo }: ComposedFields,
  { sender, to }: Parties,
  { subject, test }: ComposeOptions,
): Omit<Composition, "text" | "html" | "attachments"> {
  const date = mailDate(new Date());
  // A field that is given stands in the place of one that would be made.
  const unless = <T>(name: string, value: T) =>
    headers.some(({ key }) => key.toLowerCase() === name) ? undefined : value;
  const from = sender.length === 0 ? `MAILER-DAEMON@${hostname()}` : quoteLocalPart(sender).toString();
  return {
    headers,
    from: unless("from", { name: "", address: from }),
    to: unless(
      "to",
      to.map((recipient) => ({ name: "", address: quoteLocalPart(recipient).toString() })),
    ),
    cc: unless("cc", cc),
    replyTo: unless("reply-to", replyTo),
    subject: unless("subject", subject ?? (test && `qmtp test ${date} from ${hostname()}`)),
    date: unless("date", date),
    messageId: unless("message-id", newMessageId()),
  };
}

/** A terminal is not waited at: what a message is made of may be all in the options. */
function readsInput({ body, test, file }: ComposeOptions & { file?: string }, context: Context): boolean {
  if (body !== undefined || test) return false;
  return file !== undefined || !context.stdin.isTTY;
}

function ownText({ body, test }: ComposeOptions): Buffer | undefined {
  const text = body ?? (test && `This is a test message, which qmtp ${version} composed on ${hostname()}.`);
  return text === undefined ? undefined : Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
}
