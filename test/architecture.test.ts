import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const SOURCE = new URL("../src", import.meta.url).pathname;

/** What each room may know, besides itself and `errors.ts`: arrows point toward protocol/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  session: ["protocol"],
  transport: [],
  header: [],
  message: ["protocol", "header"],
  envelope: [],
  qmail: ["protocol", "envelope"],
  bounce: ["protocol", "message", "envelope", "qmail"],
  serial: [],
  client: ["protocol", "session", "transport"],
  maildir: ["protocol", "message", "envelope"],
  sink: ["protocol", "envelope", "message", "maildir", "transport"],
  completion: [],
  report: ["protocol", "session", "transport", "maildir", "sink"],
  commands: [
    "protocol",
    "session",
    "transport",
    "client",
    "header",
    "message",
    "envelope",
    "qmail",
    "bounce",
    "maildir",
    "serial",
    "report",
    "completion",
    "sink",
  ],
};

/** Files of the house itself, which any room but protocol/ may use. */
const SHARED = ["subprocess.ts", "errors.ts", "context.ts", "drained.ts", "deadline.ts"];

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

test("the protocol knows nothing of Node but Buffer, no timers and no printing", () => {
  for (const file of files.filter((name) => name.startsWith("protocol/"))) {
    expect(importsOf(file).filter((path) => !path.startsWith("./"))).toEqual([]);
    expect(textOf(file)).not.toMatch(/\b(setTimeout|setImmediate|setInterval|console)\b/);
  }
});

test("process is used in main.ts only, and process.exit nowhere", () => {
  for (const file of files) {
    const code = textOf(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (file !== "main.ts") expect(code, file).not.toMatch(/\bprocess\./);
    expect(code, file).not.toMatch(/process\.exit\(/);
  }
});

test("every room has its place in this table", () => {
  const rooms = new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));
  expect([...rooms].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});
