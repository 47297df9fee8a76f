import { type Case, messagesOf, type Need, sectionOf } from "../../src/check/case.ts";

/** Needs as a man page names them. */
const MACROS: Readonly<Record<Need, string>> = {
  to: "Fl -to",
  refused: "Fl -refused",
  inbox: "Fl -inbox",
  tls: "Cm qmtps://",
  large: "Fl -large",
  slow: "Fl -slow",
};

/** The part of qmtp-check(1) about these cases: after a change of the cases, paste what the test prints. */
export function caseTable(cases: readonly Case[]): string {
  const sections = [...new Set(cases.map(sectionOf))].toSorted();
  return sections.map((section) => sectionTable(section, cases)).join("");
}

function sectionTable(section: number, cases: readonly Case[]): string {
  const items = cases.filter((one) => sectionOf(one) === section).map(item);
  return `.Ss Section ${section}\n.Bl -tag -width Ds\n${items.join("")}.El\n`;
}

function item(one: Case): string {
  const needs = one.needs.map((need) => ` ${MACROS[need]}`).join(" ,");
  const messages = messagesOf(one);
  const about = [
    ...(needs === "" ? [] : [`needs${needs}`]),
    ...(messages === 0 ? [] : [`No ${messages} message${messages === 1 ? "" : "s"}`]),
  ];
  const more = about.length === 0 ? "" : `; ${about.join(" ; ")}`;
  return `.It Cm ${one.id}\n${one.requirement}\n.Pq ${one.level}${more}\n`;
}
