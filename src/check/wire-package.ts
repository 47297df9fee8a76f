/** A package whose lengths and commas can be wrong. */
export interface WirePackage {
  /** With the byte that names the encoding. */
  readonly message: Buffer;
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
}

/** A text with the byte that names its encoding: #2 (unix) as it is, #1 (dos) with CR LF. */
export function messageIn(encoding: "unix" | "dos", text: Buffer): Buffer {
  if (encoding === "unix") return Buffer.concat([Buffer.from("\n"), text]);
  return Buffer.from(`\r${text.toString("latin1").replaceAll("\n", "\r\n")}`, "latin1");
}

/** The four netstrings of a package. */
export type Part = "message" | "sender" | "list" | "recipient";

/** What is wrong with a package. */
export interface Flaw {
  readonly part?: Part;
  /** The length of that part, as it is written instead of the right one. */
  readonly length?: (right: number) => string;
  /** What is in the place of its comma. */
  readonly comma?: string;
}

/** The package on the wire; a flaw in a recipient is in the last one. */
export function wireBytes({ message, sender, recipients }: WirePackage, flaw: Flaw = {}): Buffer {
  const part = (name: Part, content: Buffer, flawed = true) => {
    const { length = String, comma = "," } = flawed && flaw.part === name ? flaw : {};
    return Buffer.concat([Buffer.from(`${length(content.length)}:`), content, Buffer.from(comma)]);
  };
  const last = recipients.length - 1;
  const list = recipients.map((recipient, index) => part("recipient", recipient, index === last));
  return Buffer.concat([part("message", message), part("sender", sender), part("list", Buffer.concat(list))]);
}
