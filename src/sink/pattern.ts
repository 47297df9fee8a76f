import { RE2JS } from "re2js";
import type { Pattern } from "./rules.ts";

/**
 * Compiles a regular expression in RE2's syntax, with lookbehinds. It matches in linear time, whatever address a client
 * chooses; JavaScript's own could take practically endless time, and block all other clients meanwhile.
 * @throws {Error} that says what is wrong with the expression
 */
export function compilePattern(text: string): Pattern {
  try {
    return RE2JS.compile(text, RE2JS.LOOKBEHINDS);
  } catch (error) {
    throw new Error((error as Error).message.replace(/^error parsing regexp: /, ""), { cause: error });
  }
}
