/** Protocol bytes for expectations, built without any code under test. */

/** Text means its UTF-8 bytes. */
function bytesOf(content: string | Uint8Array): Buffer {
  return Buffer.from(content as string);
}

/** `[len]:[content],` (qmtp.txt, section 6). */
export function netstring(content: string | Uint8Array): Buffer {
  const bytes = bytesOf(content);
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(",")]);
}

export interface WirePackage {
  /** The message as on the wire, without the encoding byte. */
  readonly message: string | Uint8Array;
  readonly sender?: string | Uint8Array;
  readonly recipients?: ReadonlyArray<string | Uint8Array>;
  readonly encoding?: "\n" | "\r";
}

/** A whole package (qmtp.txt, section 4). */
export function wirePackage(pkg: WirePackage): Buffer {
  const { message, sender = "a@x", recipients = ["b@y"], encoding = "\n" } = pkg;
  return Buffer.concat([
    netstring(Buffer.concat([Buffer.from(encoding), bytesOf(message)])),
    netstring(sender),
    netstring(Buffer.concat(recipients.map(netstring))),
  ]);
}
