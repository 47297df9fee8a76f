import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const SOURCE = new URL("../src", import.meta.url).pathname;

/** What each room may import besides itself and `errors.ts`: arrows point toward protocol/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  decode: ["protocol"],
  io: [],
  transport: ["io"],
  session: ["protocol", "io"],
  client: ["protocol", "session", "transport", "io"],
  header: ["io"],
  message: ["protocol", "header", "io"],
  envelope: [],
  qmail: ["protocol", "envelope", "transport", "io"],
  bounce: ["protocol", "header", "message", "envelope", "qmail", "client", "session"],
  maildir: ["protocol", "message", "envelope", "client", "bounce", "io"],
  sink: ["protocol", "envelope", "message", "maildir", "transport", "io"],
  check: ["protocol", "transport", "client", "io"],
  bench: ["protocol", "session", "transport", "client", "io"],
  library: ["protocol", "io", "session", "transport", "client", "message", "envelope"],
  manual: [],
  report: ["protocol", "decode", "session", "transport", "client", "maildir", "sink", "check", "bench", "io"],
  cli: ["protocol", "message", "client", "maildir", "qmail", "transport", "report", "io"],
  commands: [
    "protocol",
    "decode",
    "io",
    "session",
    "transport",
    "client",
    "header",
    "message",
    "envelope",
    "qmail",
    "bounce",
    "maildir",
    "sink",
    "check",
    "bench",
    "manual",
    "report",
    "cli",
  ],
};

/** The files that any room but protocol/ may import. */
const SHARED = ["errors.ts"];

const files = readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts"));

const textOf = (file: string) => readFileSync(join(SOURCE, file), "utf8");

function importsOf(file: string): string[] {
  return Array.from(
    textOf(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g),
    ([, path]) => path as string,
  );
}

test("imports point toward the protocol", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((path) => path.startsWith("."))
      .map((path) => normalize(join(dirname(file), path)))
      .filter((target) => {
        const [from, to] = [file.split("/")[0] as string, target.split("/")[0] as string];
        if (!file.includes("/") || from === to || target === "../package.json") return false;
        return from === "protocol" || !(SHARED.includes(to) || MAY_IMPORT[from]?.includes(to));
      })
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("the protocol uses nothing of Node but Buffer: no timers, no printing", () => {
  for (const file of files.filter((name) => name.startsWith("protocol/"))) {
    expect(importsOf(file).filter((path) => !path.startsWith("./"))).toEqual([]);
    expect(textOf(file)).not.toMatch(/\b(setTimeout|setImmediate|setInterval|console)\b/);
  }
});

test("process is used only where the program or the library meets it, and for the clock; process.exit nowhere", () => {
  for (const file of files) {
    const code = textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (!["main.ts", "start.ts", "library/host-program.ts"].includes(file))
      expect(code, file).not.toMatch(/\bprocess\./);
    if (file !== "io/clock.ts") expect(importsOf(file), file).not.toContain("node:process");
    expect(code, file).not.toMatch(/process\.exit\(/);
  }
});

test("every room is in this table", () => {
  const rooms = new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));
  expect([...rooms].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

/** Import cycles, types included: each is found once, from the file a walk reaches first. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at !== -1) circles.push([...path.slice(at), file].join(" -> "));
    if (at !== -1 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return circles;
}

test("an import cycle is found and named", () => {
  const imports = new Map([
    ["a", ["b", "c"]],
    ["b", ["c"]],
    ["c", ["d"]],
    ["d", ["b"]],
  ]);
  expect(circlesOf(imports)).toEqual(["b -> c -> d -> b"]);
  expect(circlesOf(new Map([["a", ["b"]]]))).toEqual([]);
});

test("there are no import cycles, types included", () => {
  const targets = (file: string) =>
    importsOf(file)
      .filter((path) => path.startsWith("."))
      .map((path) => normalize(join(dirname(file), path)));
  expect(circlesOf(new Map(files.map((file) => [file, targets(file)])))).toEqual([]);
});
