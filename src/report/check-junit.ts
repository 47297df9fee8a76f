import { sectionOf } from "../check/case.ts";
import type { Result } from "../check/result.ts";
import { type CheckReport, NEED_IN_WORDS } from "./check.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

/**
 * The run as a test report in JUnit's form, which CI systems read.
 * @param startedAt milliseconds since 1970
 */
export function* checkJunit(
  { server, results, summary }: CheckReport,
  host: string,
  startedAt: number,
): Generator<string, void> {
  const count = (status: string) => results.filter((result) => summary.testStatus(result) === status).length;
  const totals = attributes({
    tests: results.length,
    failures: count("failure"),
    errors: count("error"),
    skipped: count("skipped"),
    time: seconds(results.reduce((sum, { ms }) => sum + ms, 0)),
  });
  const suite = attributes({
    id: 0,
    name: "qmtp check",
    package: "qmtp",
    hostname: host,
    timestamp: new Date(startedAt).toISOString().slice(0, 19),
  });
  yield '<?xml version="1.0" encoding="UTF-8"?>';
  yield "<testsuites>";
  yield `  <testsuite${suite}${totals}>`;
  yield `    <properties><property${attributes({ name: "server", value: server?.endpoint ?? "" })}/></properties>`;
  for (const result of results) yield* testcase(result, summary.testStatus(result));
  yield "    <system-out/>";
  yield "    <system-err/>";
  yield "  </testsuite>";
  yield "</testsuites>";
}

function* testcase(result: Result, status: string): Generator<string, void> {
  const { case: one, got, lacks, ms } = result;
  const opening = `    <testcase${attributes({
    classname: `qmtp.section-${sectionOf(one)}`,
    name: one.id,
    time: seconds(ms),
  })}`;
  if (status === "passed") yield `${opening}/>`;
  else if (status === "skipped") {
    const why = lacks.length > 0 ? `needs ${lacks.map((need) => NEED_IN_WORDS[need]).join(" and ")}` : got;
    yield `${opening}><skipped${attributes({ message: why })}/></testcase>`;
  } else {
    const about = attributes({ message: got, type: one.level });
    yield `${opening}><${status}${about}>${escaped(details(result))}</${status}></testcase>`;
  }
}

function details({ case: one, got, bytes }: Result): string {
  return [
    one.requirement,
    `sent: ${one.sent}`,
    `expected: ${one.expected}`,
    `got: ${got}`,
    `bytes sent: ${sanitiseCapped(bytes.sent)}`,
    `bytes received: ${sanitiseCapped(bytes.received)}`,
    ...(one.advice === undefined ? [] : [one.advice]),
  ]
    .map(sanitise)
    .join("\n");
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(sanitise(String(value)))}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** What is sanitised has no characters that XML cannot have. */
function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}
