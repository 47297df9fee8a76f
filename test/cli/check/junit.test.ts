import { readFileSync } from "node:fs";
import { XMLParser } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import { qmtp, startSink } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const SCHEMA = readFileSync(new URL("junit.xsd", import.meta.url), "utf8");

interface TestCase {
  readonly name: string;
  readonly classname: string;
  readonly failure?: { readonly message: string; readonly type: string; readonly "#text": string };
  readonly error?: { readonly message: string };
  readonly skipped?: { readonly message: string };
}

interface Suite {
  readonly tests: string;
  readonly failures: string;
  readonly errors: string;
  readonly skipped: string;
  readonly testcase: readonly TestCase[];
}

/** The report as a parser reads it, if the schema allows it. */
async function reportIn(file: string): Promise<Suite> {
  const contents = readFileSync(file, "utf8");
  const { valid, errors } = await validateXML({
    xml: [{ fileName: "report.xml", contents }],
    schema: [SCHEMA],
  });
  expect(errors.map(({ message }) => message)).toEqual([]);
  expect(valid).toBe(true);
  const options = {
    ignoreAttributes: false,
    attributeNamePrefix: "",
    isArray: (name: string) => name === "testcase",
  };
  return new XMLParser(options).parse(contents).testsuites.testsuite;
}

async function reportOf(...args: string[]) {
  const junit = `${temporaryFolder()}/report.xml`;
  const { code } = await qmtp(["check", "--wait", "0.1", "--timeout", "5", "--junit", junit, ...args]);
  return { code, suite: await reportIn(junit) };
}

describe("--junit", () => {
  test("a report that the schema allows, with a failure for each finding, and what was skipped", async () => {
    const sink = await startSink([
      "--fault",
      "latin-1",
      "--fault",
      "repeat-recipient",
      "--fault",
      "swap-responses",
    ]);
    const to = ["--to", `"<&>'"@example.org`];
    const { code, suite } = await reportOf("-s", sink.endpoint, ...to, "--only", "5/", "--strict");
    expect(code).toBe(1);
    expect(suite.tests).toBe(String(suite.testcase.length));
    const failed = suite.testcase.filter(({ failure }) => failure !== undefined);
    expect(failed.map(({ classname, name }) => `${classname} ${name}`)).toEqual([
      "qmtp.section-5 5/utf-8",
      "qmtp.section-5 5/no-recipient",
    ]);
    expect(failed[1]?.failure?.["#text"]).toContain(`"<&>'"@example.org`);
    expect(failed[1]?.failure?.type).toBe("should");
    const skipped = suite.testcase.filter((one) => one.skipped !== undefined);
    expect(skipped.find(({ name }) => name === "5/stored-nul")?.skipped).toEqual({
      message: "needs --inbox",
    });
    expect([suite.failures, suite.errors, suite.skipped]).toEqual(["2", "0", String(skipped.length)]);
  });

  test("what does not count is no failure, so that report and exit code agree", async () => {
    const sink = await startSink(["--fault", "latin-1"]);
    const { code, suite } = await reportOf("-s", sink.endpoint, "--to", "a@example.org", "--only", "5/utf-8");
    expect([code, suite.failures, suite.errors]).toEqual([0, "0", "0"]);
  });

  test("of a server that cannot be reached: every case is an error", async () => {
    const { code, suite } = await reportOf("-s", "unix:/nonexistent");
    expect([code, suite.errors]).toEqual([111, suite.tests]);
    expect(Number(suite.tests)).toBeGreaterThan(85);
  });
});
