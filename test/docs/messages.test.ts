import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { items, pages, ROOT, section } from "./documents.ts";

const source = readdirSync(`${ROOT}src`, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(`${ROOT}src/${file}`, "utf8"))
  .join("\n")
  .replaceAll(/\/\*.*?\*\/|^\s*\/\/[^\n]*$/gms, "");

/** The source's string literals, in full and up to the advice, with a mark for each insertion. */
const literals = Array.from(source.matchAll(/"[^"\n]*"|`[^`\n]*`/g), ([literal]) =>
  literal
    .slice(1, -1)
    .replaceAll(/\$\{[^}]*\}/g, "\0")
    .replace(/^qmtp: |\\n$/g, ""),
).flatMap((literal) => [literal, literal.replace(/;.*/, "")]);

/** Put together from several literals, or commander's. */
const COMPOSED = [
  "unknown option",
  "the message's To has",
  "the recipient argument has",
  "recipient '...' has a comma",
  "list.txt, line 3: '...' is not a bare address",
  "/var/qmail/control/qmtpservers, line 2",
  "/var/qmail/control/qmtproutes, line 2",
  "/var/qmail/control/qmtpremoteargs, line 2",
  "Sorry. Although I'm listed as a best-preference MX or A for that host",
  "Connected to 192.0.2.1 but",
  // Printed by launchers.
  "nullmailer-qmtp finds no node",
  "nullmailer's options: unknown option",
  "Sorry, qmtp-remote finds no node",
];

const pattern = (parts: readonly string[]) =>
  parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*");

/** Whether a message is the beginning of a literal, or a literal of some length with insertions. */
function isSaid(shown: string): boolean {
  const message = shown.replace(/; \.\.\.$/, "");
  const beginning = new RegExp(`^${pattern(message.split("..."))}`);
  return literals.some((literal) => {
    if (beginning.test(literal)) return true;
    const parts = literal.split("\0");
    return parts.join("").length >= 10 && new RegExp(`^${pattern(parts)}$`).test(message);
  });
}

test.each(pages)("every message in DIAGNOSTICS of $name(1) is in the source", (page) => {
  const messages = items(section("Sh", "DIAGNOSTICS", page))
    .map(({ head }) => head)
    .filter((head) => !/^(Li|Em|Sy) /.test(head));
  const unsaid = messages.filter((message) => !isSaid(message));
  expect(unsaid.filter((message) => !COMPOSED.some((start) => message.startsWith(start)))).toEqual([]);
});
