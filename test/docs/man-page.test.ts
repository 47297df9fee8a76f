import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { FAULTS } from "../../src/sink/fault.ts";
import {
  commandLines,
  commands,
  flagsIn,
  flagsOfAll,
  items,
  man,
  program,
  ROOT,
  section,
  unknownIn,
} from "./documents.ts";

const source = (path: string) => readFileSync(`${ROOT}src/${path}`, "utf8");

describe("the man page", () => {
  test("names no option that does not exist", () => {
    const known = flagsOfAll([...commands, program]);
    const named = [...new Set(flagsIn(man))];
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("has examples with commands and options that exist", () => {
    const examples = commandLines(section("Sh", "EXAMPLES").replaceAll(/^\.Dl /gm, ""));
    expect(examples.length).toBeGreaterThan(4);
    expect(unknownIn(examples)).toEqual([]);
  });

  test("has every fault of the sink, with what it does, and no other", () => {
    const faults = items(section("Ss", "Faults")).map(({ head, body }) => [head.replace(/^Cm /, ""), body]);
    expect(Object.fromEntries(faults)).toEqual(FAULTS);
  });

  test("has every code of an error that --json can hold", () => {
    const documented = items(section("Ss", "JSON")).map(({ head }) => head.replace(/^Li /, ""));
    const [union] = source("session/cause.ts").split("readonly fault");
    const codes = [...(union as string).matchAll(/^ +\| "([a-z-]+)"/gm)].map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(5);
    const transport = readdirSync(`${ROOT}src/transport`).map((file) => source(`transport/${file}`));
    const unconnected = [...transport.join("").matchAll(/"((?:connect|tls|not-under)-[a-z-]+)"/g)].map(
      (match) => match[1],
    );
    const known = ["connect-failed", "connect-timeout", "tls-failed", "tls-untrusted", "not-under-ucspi"];
    expect(unconnected).toEqual(expect.arrayContaining(known));
    expect(documented).toEqual(expect.arrayContaining([...codes, ...unconnected]));
  });

  test("has every code of a violation that a server can commit", () => {
    const documented = items(section("Ss", "JSON")).map(({ head }) => head.replace(/^Li /, ""));
    const codes = [...source("protocol/violation.ts").matchAll(/^ +\| "([a-z-]+)"/gm)].map(
      (match) => match[1],
    );
    const ofClients = ["unknown-encoding", "no-recipients", "recipients-overrun"];
    expect(codes).toEqual(expect.arrayContaining(ofClients));
    expect(documented).toEqual(
      expect.arrayContaining(codes.filter((code) => !ofClients.includes(code as string))),
    );
  });

  test("has every name of its JSON that a maildir's objects hold", () => {
    const named = section("Ss", "JSON");
    const words = ["spooled", "expired", "note", "possibleDuplicates", "sessions", "ageSeconds", "summary"];
    expect(words.filter((word) => !named.includes(word))).toEqual([]);
  });
});

describe("the man pages", () => {
  test.for(manifest.man)("%s is clean for mandoc", (path, context) => {
    const { error, stdout, stderr } = spawnSync("mandoc", ["-Tlint", "-Wwarning", `${ROOT}${path}`], {
      encoding: "utf8",
    });
    if (error !== undefined && !process.env.CI) {
      const note = "mandoc is not installed: install the Debian package mandoc";
      process.stderr.write(`skipped: ${note}\n`);
      context.skip(note);
    }
    expect(error).toBeUndefined();
    expect(stdout + stderr).toBe("");
  });
});
