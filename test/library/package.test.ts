import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { environment, type Finished, finished, start } from "../support/processes.ts";
import { startReceivingServer } from "../support/receiving-server.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const TSC = `${ROOT}node_modules/typescript/bin/tsc`;

/** The package, and a project of a user who has installed it. */
let folder: string;
let tarball: string;
let project: string;

beforeAll(async () => {
  folder = mkdtempSync(`${tmpdir()}/qmtp-test-`);
  project = `${folder}/project`;
  mkdirSync(project);
  const packed = await npm(ROOT, "pack", "--ignore-scripts", "--pack-destination", folder);
  expect(packed).toMatchObject({ code: 0 });
  tarball = `${folder}/${readdirSync(folder).find((name) => name.endsWith(".tgz"))}`;
  writeFileSync(`${project}/package.json`, "{}");
  expect(await npm(project, "install", "--offline", tarball)).toMatchObject({ code: 0 });
  for (const name of ["@types", "undici-types", "nodemailer"]) {
    symlinkSync(`${ROOT}node_modules/${name}`, `${project}/node_modules/${name}`);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function npm(cwd: string, ...args: string[]): Promise<Finished> {
  const quiet = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };
  return finished(start("npm", args, { cwd, env: environment(quiet) }));
}

function node(file: string, ...args: string[]): Promise<Finished> {
  return finished(start(process.execPath, [file, ...args], { cwd: project, env: environment() }));
}

/** Compiles files of the project as its user would, with all checks of the library's own types. */
function compile(files: readonly string[], module: "nodenext" | "preserve"): Promise<Finished> {
  const options = { module, target: "es2023", strict: true, exactOptionalPropertyTypes: true };
  const compilerOptions = { ...options, types: ["node"], skipLibCheck: false, outDir: `out-${module}` };
  writeFileSync(`${project}/tsconfig.json`, JSON.stringify({ compilerOptions, files }));
  return node(TSC, "-p", project);
}

const SEND = `
  const client = new QmtpClient({ server: process.argv[2] ?? "" });
  const deliveries = await client.send({ sender: "a@x", recipients: ["b@y"], message: "hi\\n" });
  for (const { recipient, status, text } of deliveries) console.log(recipient, status, text);
  await client.close();
`;
const READ = `
  const reader = new ResponseReader();
  reader.push(Buffer.from("3:Kok,"));
  console.log(reader.next()?.status);
`;
const SENT = { code: 0, stdout: "b@y success ok\nsuccess\n", stderr: "" };

describe("a program", () => {
  test("in JavaScript imports the package", async () => {
    const { endpoint } = await startReceivingServer();
    const imports = 'import { QmtpClient } from "qmtp";\nimport { ResponseReader } from "qmtp/protocol";\n';
    writeFileSync(`${project}/program.mjs`, imports + SEND + READ);
    expect(await node("program.mjs", endpoint)).toMatchObject(SENT);
  });

  test("with listeners that throw gets their errors, and its deliveries", async () => {
    const { endpoint } = await startReceivingServer();
    const listen = `
  const caught = [];
  process.on("uncaughtException", ({ message }) => caught.push(message));
  const events = ["connected", "note", "received", "disconnected"];
  const client = new QmtpClient({ server: process.argv[2] });
  for (const event of events) client.once(event, () => { throw new Error(event); });
  const [delivery] = await client.send({ sender: "a@x", recipients: "b@y", message: "hi\\n" });
  await client.close();
  console.log(delivery.status, caught.toSorted().join());`;
    writeFileSync(`${project}/throws.mjs`, `import { QmtpClient } from "qmtp";${listen}`);
    const stdout = "success connected,disconnected,note,received\n";
    expect(await node("throws.mjs", endpoint)).toMatchObject({ code: 0, stdout, stderr: "" });
  });

  test("in JavaScript requires the package", async () => {
    const { endpoint } = await startReceivingServer();
    const imports =
      'const { QmtpClient } = require("qmtp");\nconst { ResponseReader } = require("qmtp/protocol");\n';
    writeFileSync(`${project}/program.cjs`, `${imports}(async () => {${SEND}${READ}})();`);
    const { code, stdout } = await node("program.cjs", endpoint);
    expect({ code, stdout }).toEqual({ code: 0, stdout: SENT.stdout });
  });

  test.each(["nodenext", "preserve"] as const)(
    "in TypeScript compiles and runs, with module: %s",
    async (module) => {
      const { endpoint } = await startReceivingServer();
      const imports = [
        'import { QmtpClient, QmtpError, type ClientOptions, type Delivery, type Mail } from "qmtp";',
        'import { ResponseReader, type Package } from "qmtp/protocol";',
        'import { QmtpTransport, type SentMessageInfo } from "qmtp/nodemailer";',
        "export type { ClientOptions, Delivery, Mail, Package, SentMessageInfo };",
        "export { QmtpError, QmtpTransport };",
      ].join("\n");
      writeFileSync(`${project}/typed.mts`, imports + SEND + READ);
      expect(await compile(["typed.mts"], module)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
      expect(await node(`out-${module}/typed.mjs`, endpoint)).toMatchObject(SENT);
    },
  );

  test("in TypeScript is told of a wrong argument", async () => {
    const wrong =
      'import { QmtpClient } from "qmtp";\nnew QmtpClient({ server: "x" }).send({ sender: "a" });\n';
    writeFileSync(`${project}/wrong.mts`, wrong);
    const { code, stdout } = await compile(["wrong.mts"], "nodenext");
    expect(code).not.toBe(0);
    expect(stdout).toContain("missing the following properties");
  });
});

/** What the examples of the man page leave out. */
const PREAMBLE = `import nodemailer from "nodemailer";
import { QmtpClient } from "qmtp";
import { QmtpTransport } from "qmtp/nodemailer";
export { nodemailer, QmtpClient, QmtpTransport };
declare const sender: string, recipients: string[], from: string, to: string, subject: string, text: string;
`;

/** The examples in comments, README and man page. */
function examples(): string[] {
  const comments = readdirSync(`${ROOT}src/library`).flatMap((name) =>
    Array.from(
      readFileSync(`${ROOT}src/library/${name}`, "utf8").matchAll(/^ \* ```ts\n([\s\S]*?)^ \* ```/gm),
      ([, code = ""]) => code.replaceAll(/^ \* ?/gm, ""),
    ),
  );
  const readme = Array.from(
    readFileSync(`${ROOT}README.md`, "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm),
    ([, code = ""]) => code,
  );
  const page = readFileSync(`${ROOT}man/qmtp.3`, "utf8").replaceAll("\\e", "\\").split("\n.Sh ");
  const [, ...fromPage] = (page.find((section) => section.startsWith("EXAMPLES")) ?? "")
    .split(".Bd -literal -offset indent\n")
    .map((rest) => PREAMBLE + rest.slice(0, rest.indexOf("\n.Ed")));
  return [...comments, ...readme, ...fromPage];
}

test("the examples in the documentation compile", async () => {
  const found = examples();
  expect(found.length).toBe(7);
  const names = found.map((code, index) => {
    writeFileSync(`${project}/example${index}.mts`, code);
    return `example${index}.mts`;
  });
  expect(await compile(names, "nodenext")).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

test("publint finds nothing", async () => {
  const bytes = readFileSync(tarball);
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages } = await publint({ pack: { tarball: data as ArrayBuffer } });
  expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
});

test("are-the-types-wrong finds nothing but that CommonJS gets an ES module", async () => {
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)), {
    excludeEntrypoints: ["./package.json"],
  });
  if (!analysis.types) throw new Error("the package has no types");
  // Node 20.19 and newer can require ES modules. Resolution as before `exports` is for Node 10.
  const known = ["CJSResolvesToESM"];
  const problems = analysis.problems.filter(
    (problem) =>
      !known.includes(problem.kind) && !("resolutionKind" in problem && problem.resolutionKind === "node10"),
  );
  expect(problems).toEqual([]);
});

test("the files of the library are in the package, and its sources and tests are not", async () => {
  const names = readdirSync(`${project}/node_modules/qmtp/dist/library`);
  expect(names).toContain("index.js");
  expect(readdirSync(`${project}/node_modules/qmtp`).toSorted()).toEqual(
    ["CHANGELOG.md", "LICENSE", "README.md", "bin", "dist", "man", "package.json"].toSorted(),
  );
});
