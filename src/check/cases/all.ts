import type { Case } from "../case.ts";
import { CONTENT_CASES } from "./contents.ts";
import { ENCAPSULATION_CASES } from "./encapsulation.ts";
import { ENDING_CASES } from "./endings.ts";
import { INFORMATION_CASES } from "./information.ts";
import { NETSTRING_CASES } from "./netstrings.ts";
import { PACKAGE_CASES } from "./packages.ts";
import { PIPELINING_CASES } from "./pipelining.ts";
import { PROTOCOL_CASES } from "./protocol.ts";
import { RESPONSE_CASES } from "./responses.ts";

/** Every case, section by section: a new one is a value in one of these lists. */
export const CASES: readonly Case[] = [
  ...PROTOCOL_CASES,
  ...PIPELINING_CASES,
  ...ENDING_CASES,
  ...PACKAGE_CASES,
  ...RESPONSE_CASES,
  ...CONTENT_CASES,
  ...NETSTRING_CASES,
  ...ENCAPSULATION_CASES,
  ...INFORMATION_CASES,
];
