import type { Context } from "../../cli/context.ts";
import { type Attachment, compose } from "../../message/compose.ts";
import { type MessageOptions, type OpenMessage, readStream } from "../../message/open.ts";
import type { Message } from "../../protocol/package.ts";
import type { CompositionRequest } from "./composition.ts";
import { openInput } from "./open-input.ts";

/**
 * Composes a message, and stores it like one from a pipe.
 * @param skipEmpty whether to skip the message if standard input is read and empty
 * @returns undefined if the message was skipped
 * @throws {QmtpError} usage, for a directory; unreadable-input, unwritable-spool
 */
export async function openComposed(
  request: CompositionRequest,
  skipEmpty: boolean,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage | undefined> {
  const parts = new Parts(format, context);
  try {
    const attachments: Attachment[] = [];
    for (const { path, name, type } of request.attachments) {
      attachments.push({ name, type, content: await parts.open(path, "the attachment", true) });
    }
    const html = request.html === undefined ? undefined : await parts.open(request.html, "the HTML");
    const text =
      typeof request.text === "string" ? await parts.open(request.text, "the message") : request.text;
    if (skipEmpty && parts.inputIsEmpty) return undefined;
    const isHtmlOnly = html !== undefined && text?.length === 0;
    const composed = { ...request.fields, html, text: isHtmlOnly ? undefined : text, attachments };
    return await readStream(await compose(composed), "the composed message", format);
  } finally {
    parts.close();
  }
}

/** The inputs of a composed message, which stay open until it is stored. */
class Parts {
  readonly #format: MessageOptions;
  readonly #context: Context;
  readonly #opened: OpenMessage[] = [];
  inputIsEmpty = false;

  constructor(format: MessageOptions, context: Context) {
    // The composer accepts any line ends in a text, and readStream then converts those of the result.
    this.#format = { ...format, encoding: "unix" };
    this.#context = context;
  }

  async open(source: string, what: string, raw = false): Promise<Message> {
    const opened = await openInput(source, what, { ...this.#format, raw }, this.#context);
    this.#opened.push(opened);
    if (source === "-") this.inputIsEmpty = opened.message.length === 0;
    return opened.message;
  }

  close(): void {
    for (const opened of this.#opened) opened.close();
  }
}
