/** A parser of QMTP packages of its own, so that what the client sends is not read with the client's code. */

export interface ParsedPackage {
  /** The message as it came, without the byte that names the encoding. */
  readonly message: string;
  readonly sender: string;
  readonly recipient: string;
}

const [COLON, COMMA] = [0x3a, 0x2c];

interface Span {
  readonly from: number;
  /** Where the comma stands. */
  readonly to: number;
}

export class PackageParser {
  #rest = Buffer.alloc(0);

  /** Takes bytes, and gives the packages, of one recipient each, that are whole with them. */
  push(chunk: Buffer): ParsedPackage[] {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const parsed: ParsedPackage[] = [];
    let at = 0;
    for (;;) {
      const message = netstringAt(bytes, at);
      const sender = message && netstringAt(bytes, message.to + 1);
      const list = sender && netstringAt(bytes, sender.to + 1);
      if (list === undefined) break;
      const recipient = netstringAt(bytes, list.from);
      if (recipient?.to !== list.to - 1) throw new Error("not exactly one recipient");
      if (bytes[message?.from as number] !== 0x0a) throw new Error("not in the encoding of Unix");
      parsed.push({
        message: bytes.toString("latin1", (message as Span).from + 1, message?.to),
        sender: bytes.toString("latin1", sender?.from, sender?.to),
        recipient: bytes.toString("latin1", recipient.from, recipient.to),
      });
      at = list.to + 1;
    }
    this.#rest = bytes.subarray(at);
    return parsed;
  }
}

/** Undefined where it is not whole yet. */
function netstringAt(bytes: Buffer, at: number): Span | undefined {
  const colon = bytes.indexOf(COLON, at);
  if (colon === -1) return undefined;
  const digits = bytes.toString("latin1", at, colon);
  if (!/^(0|[1-9]\d*)$/.test(digits)) throw new Error(`no length: ${digits.slice(0, 40)}`);
  const [from, to] = [colon + 1, colon + 1 + Number(digits)];
  if (to >= bytes.length) return undefined;
  if (bytes[to] !== COMMA) throw new Error("no comma behind a netstring");
  return { from, to };
}
