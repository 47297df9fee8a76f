/** An independent parser of QMTP packages: what the client sends is not read with the client's code. */

export interface ParsedPackage {
  /** The message as received, without the encoding byte. */
  readonly message: string;
  readonly sender: string;
  readonly recipient: string;
}

const [COLON, COMMA] = [0x3a, 0x2c];

interface Span {
  readonly from: number;
  /** The offset of the comma. */
  readonly to: number;
}

export class PackageParser {
  #rest = Buffer.alloc(0);

  /** Takes bytes and returns the packages they complete, of one recipient each. */
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

/** Undefined while it is incomplete. */
function netstringAt(bytes: Buffer, at: number): Span | undefined {
  const colon = bytes.indexOf(COLON, at);
  if (colon === -1) return undefined;
  const digits = bytes.toString("latin1", at, colon);
  if (!/^(0|[1-9]\d*)$/.test(digits)) throw new Error(`no length: ${digits.slice(0, 40)}`);
  const [from, to] = [colon + 1, colon + 1 + Number(digits)];
  if (to >= bytes.length) return undefined;
  if (bytes[to] !== COMMA) throw new Error("no comma after a netstring");
  return { from, to };
}
