import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { Decoder } from "../../decode/decoder.ts";
import type { DecodeEvent } from "../../decode/events.ts";
import { interruption, QmtpError } from "../../errors.ts";
import { errorExitCode } from "../../report/exit-code.ts";
import { DECODE_TABLE } from "../../report/exit-tables.ts";
import { fileLine, listingLines, totalsLine, type WrittenFile } from "../../report/listing.ts";
import { eventJson, fileJson, totalsJson } from "../../report/listing-json.ts";
import { describe } from "../../report/remedies.ts";
import { sanitise } from "../../report/sanitise.ts";
import { writePieces } from "../../report/write.ts";
import { declare } from "./declare.ts";
import { inputChunks } from "./input.ts";
import { MessageFiles } from "./message-files.ts";
import { type DecodeRequest, read } from "./read.ts";

/** `qmtp decode`: lists what is in packages or responses, and what is wrong with them. */
export const decode: CommandModule = { declare, read, run };

/** The most that is decoded before it is printed, in bytes: a listing is several times as long as small packages. */
const SLICE = 262_144;

/** @throws {QmtpError} unwritable-file, interrupted */
async function run(request: DecodeRequest, context: Context): Promise<number> {
  const { files, messages } = request;
  const messageFiles = messages === undefined ? undefined : new MessageFiles(messages);
  const codes: number[] = [];
  for (const [index, file] of files.entries()) {
    if (files.length > 1 && !request.json) {
      const name = file === "-" ? "standard input" : sanitise(file);
      await writePieces(context.stdout, [`${index === 0 ? "" : "\n"}==> ${name} <==\n`]);
    }
    codes.push(await decodeFile(file, request, messageFiles, context));
  }
  // A file that cannot be read may contain anything.
  return Math.max(...codes);
}

/** @returns its exit code */
async function decodeFile(
  file: string,
  request: DecodeRequest,
  messageFiles: MessageFiles | undefined,
  context: Context,
): Promise<number> {
  const printer = new Printer(file, request, messageFiles);
  const parts = !request.quiet || messageFiles !== undefined;
  const decoder = new Decoder(printer.event, { direction: request.direction, parts });
  let error: QmtpError | undefined;
  try {
    await pushAll(decoder, printer, inputChunks(file, context), context);
  } catch (thrown) {
    // What was decoded is printed all the same.
    await writePieces(context.stdout, [printer.taken()]);
    if (!(thrown instanceof QmtpError) || thrown.code === "unwritable-file") throw thrown;
    error = thrown;
  }
  const { interrupted, stdout } = context;
  if (error === undefined && interrupted.aborted) error = interruption(interrupted);
  if (error === undefined) decoder.end();
  // Of a file that cannot be read, there is nothing to say.
  if (error === undefined || decoder.totals.bytes > 0) printer.end(decoder);
  await writePieces(stdout, [printer.taken()]);
  if (interrupted.aborted && error !== undefined) throw error;
  if (error !== undefined) {
    context.say(describe(error));
    return errorExitCode(error, DECODE_TABLE);
  }
  if (!stdout.writable) return DECODE_TABLE.otherwise;
  return decoder.totals.violations > 0 ? DECODE_TABLE.failure : DECODE_TABLE.success;
}

async function pushAll(
  decoder: Decoder,
  printer: Printer,
  chunks: AsyncIterable<Buffer>,
  { stdout }: Context,
): Promise<void> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += SLICE) {
      decoder.push(chunk.subarray(at, at + SLICE));
      const text = printer.taken();
      if (text !== "") await writePieces(stdout, [text]);
      if (decoder.stopped || !stdout.writable) return;
    }
  }
}

/** Gathers the text to print about a file. */
class Printer {
  readonly #file: string;
  readonly #request: DecodeRequest;
  readonly #messageFiles: MessageFiles | undefined;
  #text = "";

  constructor(file: string, request: DecodeRequest, messageFiles: MessageFiles | undefined) {
    this.#file = file;
    this.#request = request;
    this.#messageFiles = messageFiles;
  }

  readonly event = (event: DecodeEvent): void => {
    const written = this.#messageFiles?.take(event);
    const { quiet, json } = this.#request;
    if (!quiet || NEWS.includes(event.type)) {
      this.#text += json ? eventJson(event, this.#file) : listingLines(event);
    }
    if (written !== undefined) this.#written(written);
  };

  end({ totals }: Decoder): void {
    const written = this.#messageFiles?.end();
    if (written !== undefined) this.#written(written);
    this.#text += this.#request.json ? totalsJson(totals, this.#file) : `${totalsLine(totals)}\n`;
  }

  /** The text gathered since the last call. */
  taken(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #written(written: WrittenFile): void {
    const { quiet, json } = this.#request;
    if (quiet && written.complete) return;
    this.#text += json ? fileJson(this.#file, written) : fileLine(written);
  }
}

/** What --quiet prints too. */
const NEWS: readonly string[] = ["violation", "recovery", "stop"];
