import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { interruption } from "../../errors.ts";
import { onAbort } from "../../io/abort.ts";
import type { OutputStream } from "../../io/streams.ts";
import { encodeHead, encodeTail, type Package } from "../../protocol/package.ts";
import { encodeResponse, type Response } from "../../protocol/response.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { openMessage } from "../send/open-message.ts";
import type { PackageRequest } from "../send/read-package.ts";
import { declare } from "./declare.ts";
import { type EncodeRequest, read } from "./read.ts";

/** `qmtp encode`: writes the bytes of a package, or of responses, to standard output. */
export const encode: CommandModule = { declare, read, run };

/** Small pieces are written together: a system call for each response would be slow. */
const BLOCK = 65_536;

async function run(request: EncodeRequest, context: Context): Promise<number> {
  if (request.responses !== undefined) return writeAll(responseBytes(request.responses), context);
  return writePackages(request.package, context);
}

async function writePackages(request: PackageRequest, context: Context): Promise<number> {
  const toSend = await openMessage(request, context);
  if (toSend === undefined) {
    context.say("standard input is empty; nothing was written");
    return EXIT.success;
  }
  const { opened, recipients } = toSend;
  try {
    const { sender, split } = request;
    const lists = split ? recipients.map((recipient) => [recipient]) : [recipients];
    const packages = lists.map((list) => ({ sender, recipients: list, message: opened.message }));
    return await writeAll(packageBytes(packages), context);
  } finally {
    opened.close();
  }
}

async function* packageBytes(packages: readonly Package[]): AsyncGenerator<Buffer, void> {
  for (const { message, sender, recipients } of packages) {
    yield encodeHead(message);
    yield* message.chunks();
    for (const { piece } of encodeTail(sender, recipients)) yield piece;
  }
}

function* responseBytes(responses: readonly Response[]): Generator<Buffer, void> {
  for (const response of responses) yield encodeResponse(response);
}

/**
 * Writes the bytes at the pace of their reader.
 * @returns the exit code: temporary if the reader went away, or the bytes could not be written, before the end
 * @throws {QmtpError} interrupted
 */
async function writeAll(
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
  { stdout, interrupted }: Context,
): Promise<number> {
  const block = Buffer.allocUnsafeSlow(BLOCK);
  let filled = 0;
  const flush = async () => {
    const bytes = block.subarray(0, filled);
    filled = 0;
    return bytes.length === 0 || write(stdout, bytes, interrupted);
  };
  for await (const piece of pieces) {
    if (filled + piece.length > BLOCK && !(await flush())) return EXIT.temporary;
    if (piece.length <= BLOCK) filled += piece.copy(block, filled);
    else if (!(await write(stdout, piece, interrupted))) return EXIT.temporary;
  }
  return (await flush()) ? EXIT.success : EXIT.temporary;
}

/** Resolves when the bytes may be changed: whether they were written. */
async function write(stream: OutputStream, bytes: Buffer, interrupted: AbortSignal): Promise<boolean> {
  let stopListening = () => {};
  try {
    return await new Promise<boolean>((resolve, reject) => {
      stopListening = onAbort(interrupted, () => reject(interruption(interrupted)));
      if (!stream.writable) resolve(false);
      else stream.write(bytes, (error) => resolve(!error));
    });
  } finally {
    stopListening();
  }
}
