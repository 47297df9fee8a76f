/*
 * File names are bytes, in no particular encoding. Strings contain them as Latin-1: each character is one byte.
 */

const ASCII = /^[\x00-\x7f]*$/;

/** A path that Node passes on unchanged: if it is not ASCII, it must be a buffer. */
export function systemPath(name: string): string | Buffer {
  return ASCII.test(name) ? name : nameBytes(name);
}

/** The path of a file in a maildir. */
export function pathIn(maildir: string, name: string): string | Buffer {
  if (ASCII.test(name)) return `${maildir}/${name}`;
  return Buffer.concat([Buffer.from(`${maildir}/`), nameBytes(name)]);
}

export function nameBytes(name: string): Buffer {
  return Buffer.from(name, "latin1");
}
