import { isUtf8 } from "node:buffer";
import type { QmtpError } from "../errors.ts";
import { badHeader, type Field, type Header } from "./header.ts";

const RECIPIENTS = ["to", "cc", "bcc"];
const RESENT = "resent-";

/**
 * The recipients in a header's To, Cc and Bcc, in order. In a resent message (RFC 5322, 3.6.6), the first block of
 * Resent- fields counts instead. Addresses have the form of an envelope, without quotes.
 * @throws {QmtpError} bad-header
 */
export async function recipientsInHeader(header: Header): Promise<Buffer[]> {
  const recipients: Buffer[] = [];
  for (const field of recipientFields(header.fields)) {
    const value = header.bytes.subarray(field.value, field.end);
    const encoding = isUtf8(value) ? "utf8" : "latin1";
    const origin = `the message's ${capitalise(field.name)}`;
    const mailboxes = await mailboxesIn(value.toString(encoding), origin, badHeader);
    for (const { address } of mailboxes) recipients.push(Buffer.from(envelopeAddress(address), encoding));
  }
  return recipients;
}

/** The usual spelling of a field name: reply-to becomes Reply-To. */
function capitalise(name: string): string {
  return name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function recipientFields(fields: readonly Field[]): Field[] {
  const first = fields.findIndex(({ name }) => name.startsWith(RESENT));
  if (first === -1) return fields.filter(({ name }) => RECIPIENTS.includes(name));
  const block = new Map<string, Field>();
  for (const field of fields.slice(first)) {
    // A block has each field once: a repeated name begins the block of an earlier resending.
    if (!field.name.startsWith(RESENT) || block.has(field.name)) break;
    block.set(field.name, field);
  }
  return [...block.values()].filter(({ name }) => RECIPIENTS.includes(name.slice(RESENT.length)));
}

/** An address with a name, as in a header field. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/**
 * The mailboxes in a list (RFC 5322, 3.4), including those in groups. A word without a domain is a local address.
 * @param origin where the list was written, for error messages
 * @param error makes an error from its message
 * @throws {QmtpError} that error, if an entry is not clearly one address: no recipient must be left out
 */
export async function mailboxesIn(
  list: string,
  origin: string,
  error: (line: string) => QmtpError,
): Promise<Mailbox[]> {
  const { default: parse } = await import("nodemailer/lib/addressparser");
  const bad = (part: string, why: string) => {
    const shown = part.trim().replace(/\s+/g, " ").slice(0, 200);
    return error(`${origin} has '${shown}', ${why}`);
  };
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(list)) throw bad(list, "which contains a control character");
  return splitList(list, bad).flatMap((part) =>
    // One part at a time: in a list, the parser would take a word without a domain for part of the next name.
    parse(part, { flatten: true }).flatMap(({ name, address }) => {
      const words = withoutQuotes(part);
      // Words before an address without angle brackets may be meant as another address.
      const bare = !words.includes("<") && address !== "" && name !== "";
      if (bare || !isOneAddress(address === "" ? name : address)) throw bad(part, "which is not an address");
      if (address !== "") return [{ name, address }];
      return name === "" ? [] : [{ name: "", address: name }];
    }),
  );
}

type Bad = (part: string, why: string) => QmtpError;

/** Splits an address list at commas and semicolons, and removes comments. */
function splitList(text: string, bad: Bad): string[] {
  const parts: string[] = [];
  let part = "";
  let comments = 0;
  let quoted = false;
  let angled = false;
  const close = () => {
    if (quoted || comments > 0 || angled) throw bad(part, "which is not closed");
    if (hasSeveralAddresses(part)) throw bad(part, "which is more than one address; put commas between them");
    if (part.trim() !== "") parts.push(part);
    part = "";
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "\\" && (quoted || comments > 0)) {
      at++;
      if (quoted) part += character + (text[at] ?? "");
    } else if (quoted) {
      part += character;
      quoted = character !== '"';
    } else if (character === "(") {
      // A comment counts as a space.
      if (comments++ === 0) part += " ";
    } else if (comments > 0) comments -= character === ")" ? 1 : 0;
    else if ((character === "," || character === ";") && !angled) close();
    else {
      part += character;
      if (character === '"') quoted = true;
      else if (character === "<") angled = true;
      else if (character === ">") angled = false;
    }
  }
  close();
  return parts;
}

/** Whether a part contains several addresses, of which the parser would choose one. */
function hasSeveralAddresses(part: string): boolean {
  const words = withoutQuotes(part);
  if (words.includes("<") || words.includes(">")) return !/^[^<>]*<[^<>]*>\s*$/.test(words);
  return words.split("@").length > 2;
}

/** Whether an address is a single word, or a local part with a domain. */
function isOneAddress(address: string): boolean {
  const words = withoutQuotes(address);
  if (address.endsWith("@") || words.split("@").length > 2) return false;
  return !address.startsWith("@") && !/\s/.test(words);
}

function withoutQuotes(part: string): string {
  return part.replace(/"(?:[^"\\]|\\.)*"/gs, "");
}

/** `"joe doe"@example.org` is joe doe@example.org in an envelope, which needs no quotes. */
export function envelopeAddress(address: string): string {
  const [, local, domain] = /^"((?:[^"\\]|\\.)*)"(@.*)?$/s.exec(address) ?? [];
  return local === undefined ? address : `${local.replace(/\\(.)/gs, "$1")}${domain ?? ""}`;
}
