import { inputError, QmtpError, usageError } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { convertWhole } from "../message/line-ends.ts";
import { type MessageOptions, type OpenMessage, openFile, readStream } from "../message/open.ts";
import type { Message } from "../protocol/package.ts";

/**
 * A message with its header: text or bytes, a file (`{ path }`), or a stream of bytes, such as a Readable. A stream is
 * read to its end before anything is sent, because QMTP sends the length first. Bytes of a `raw` message are not
 * copied: do not change them before `send` resolves.
 */
export type MessageInput =
  | string
  | Uint8Array
  | { readonly path: string }
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/**
 * @throws {QmtpError} usage, for a wrong argument; unreadable-input, unwritable-spool; or, at once, what the signal was
 *   aborted with
 */
export function openInput(input: MessageInput, options: MessageOptions): Promise<OpenMessage> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    const opened = (message: OpenMessage) => {
      stopListening();
      // An iterator cannot be made to stop waiting.
      if (signal.aborted) message.close();
      resolve(message);
    };
    const failed = (error: unknown) => {
      stopListening();
      reject(error);
    };
    open(input, options).then(opened, failed);
  });
}

async function open(input: MessageInput, options: MessageOptions): Promise<OpenMessage> {
  if (typeof input === "string") return ofBytes(Buffer.from(input), options);
  if (input instanceof Uint8Array) return ofBytes(bufferOf(input), options);
  if (typeof input === "object" && input !== null) {
    if ("path" in input && typeof input.path === "string" && !isStream(input))
      return openFile(input.path, options);
    if ("readableEnded" in input && input.readableEnded === true) {
      throw usageError("the message's stream was read before; each message needs a stream of its own");
    }
    if (isStream(input)) return readStream(asInputStream(input), "the message", options);
  }
  throw usageError("the message is a string, bytes, { path }, or an iterable of bytes");
}

function ofBytes(bytes: Buffer, { encoding, raw }: MessageOptions): OpenMessage {
  // Conversion works in place: on a copy of the caller's bytes.
  const content = raw ? bytes : convertWhole(Buffer.from(bytes), encoding);
  const message: Message = { encoding, length: content.length, chunks: () => [content] };
  return { message, close: () => {} };
}

function isStream(input: object): input is Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in input || Symbol.iterator in input;
}

function asInputStream(input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
  const chunks = copied(input);
  const destroy = () => {
    // A Readable that waits for bytes ends only this way.
    if ("destroy" in input && typeof input.destroy === "function") input.destroy();
    void chunks.return().catch(() => {});
  };
  return { [Symbol.asyncIterator]: () => chunks, destroy };
}

/** Copies, because line ends are converted in place. */
async function* copied(
  input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of input) {
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
        throw usageError("the message's stream is not one of bytes");
      }
      yield Buffer.from(chunk);
    }
  } catch (error) {
    if (error instanceof QmtpError) throw error;
    // In full, with the path: a composed message may be made of several files.
    const { message } = error instanceof Error ? error : { message: String(error) };
    throw inputError(`the message's stream failed: ${message}`, error);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
