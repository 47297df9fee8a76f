import { RE2JS } from "re2js";
import type { Pattern } from "./rules.ts";

/**
 * A regular expression in RE2's syntax, with lookbehinds. It takes time in proportion to the address, which a client
 * chooses; JavaScript's own may take longer than anyone waits, and serve no other client meanwhile.
 * @throws {Error} that says what is wrong with it
 */
export function compilePattern(text: string): Pattern {
  try {
    return RE2JS.compile(text, RE2JS.LOOKBEHINDS);
  } catch (error) {
    throw new Error((error as Error).message.replace(/^error parsing regexp: /, ""), { cause: error });
  }
}
