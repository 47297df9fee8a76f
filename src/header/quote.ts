const AT = 0x40;

/** An address for a header field: quotes a local part that is not a dot-atom (RFC 5322, 3.4.1). */
export function quoteLocalPart(address: Buffer): Buffer {
  const at = address.lastIndexOf(AT);
  const local = (at === -1 ? address : address.subarray(0, at)).toString("latin1");
  if (/^[\w!#$%&'*+/=?^`{|}~\x80-\xff-]+(\.[\w!#$%&'*+/=?^`{|}~\x80-\xff-]+)*$/.test(local)) return address;
  const quoted = `"${local.replace(/["\\\r\n]/g, "\\$&")}"`;
  return Buffer.concat([Buffer.from(quoted, "latin1"), at === -1 ? Buffer.alloc(0) : address.subarray(at)]);
}

/**
 * Whether a text has a word too long to fit on a line with anything else. A line has at most 998 bytes (RFC 5322,
 * 2.1.1), and can be folded only at spaces.
 */
export function hasLongWord(text: string): boolean {
  return /[^ ]{900}/.test(Buffer.from(text).toString("latin1"));
}
