import type { Command } from "commander";
import { addGroup, option } from "../../cli/options/kinds.ts";
import { usageError } from "../../errors.ts";
import { declarePackage, type PackageOptions } from "../send/declare-package.ts";

/** A response as the command line names it: its text is the operand that follows. */
export interface GivenResponse {
  readonly letter: string;
  text?: string;
}

export interface EncodeOptions extends PackageOptions {
  /** In the order of the command line. */
  readonly responses: readonly GivenResponse[];
}

const LETTERS = ["K", "Z", "D"];

const EXAMPLES = `
Examples:
  qmtp encode -f a@example.org b@example.org < message.eml | nc mx.example.org 209 | qmtp decode
  qmtp encode --test -f a@example.org b@example.org | qmtp decode
  qmtp encode --response K 'ok 838640135 qp 1390' --response D 'no such user (#5.1.1)' > responses`;

export function declare(command: Command): void {
  const responses: GivenResponse[] = [];
  command.setOptionValue("responses", responses);
  declarePackage(command, (operand) => {
    const last = responses.at(-1);
    if (last === undefined || last.text !== undefined) return false;
    last.text = operand;
    return true;
  });
  const response = option(
    "--response <K|Z|D> <text>",
    "write a response instead of a package: success, deferral or failure, and its text; repeatable",
  ).choices(LETTERS);
  const checked = response.parseArg;
  response.argParser((value: string) => {
    requireText(responses);
    responses.push({ letter: checked?.(value, value) ?? value });
    return value;
  });
  addGroup(command, "responses", [response]);
  command.addHelpText("after", EXAMPLES);
}

/** @throws {QmtpError} usage, if the last response has no text */
export function requireText(responses: readonly GivenResponse[]): void {
  const last = responses.at(-1);
  if (last === undefined || last.text !== undefined) return;
  throw usageError(`--response ${last.letter} has no text; write it after the letter, '' for an empty one`);
}
