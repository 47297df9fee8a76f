const AT = 0x40;

/** An address for a header field: a local part that is not a dot-atom is quoted (RFC 5322, 3.4.1). */
export function quoteLocalPart(address: Buffer): Buffer {
  const at = address.lastIndexOf(AT);
  const local = (at === -1 ? address : address.subarray(0, at)).toString("latin1");
  if (/^[\w!#$%&'*+/=?^`{|}~\x80-\xff-]+(\.[\w!#$%&'*+/=?^`{|}~\x80-\xff-]+)*$/.test(local)) return address;
  const quoted = `"${local.replace(/["\\\r\n]/g, "\\$&")}"`;
  return Buffer.concat([Buffer.from(quoted, "latin1"), at === -1 ? Buffer.alloc(0) : address.subarray(at)]);
}

/**
 * Whether a text, in UTF-8, has a word that leaves no room for anything else on its line. A line has at most 998
 * bytes (RFC 5322, 2.1.1), and can be folded only at spaces.
 */
export function hasLongWord(text: string): boolean {
  return /[^ ]{900}/.test(Buffer.from(text).toString("latin1"));
}
