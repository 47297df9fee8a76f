/**
 * Builds the program into dist/, with compiled code for this version of Node.
 *
 * The build writes to a new folder and moves each file into place, so that an installed program is complete at all
 * times, and a failed build leaves the old one untouched.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = import.meta.dirname;
const DIST = join(ROOT, "dist");
const NEW = join(ROOT, "dist", `.new-${process.pid}`);

/** Libraries that many runs do not need. Each is built into its own file, which is loaded only on use. */
const LIBRARIES = {
  ora: "ora",
  chalk: "chalk",
  "nodemailer/lib/addressparser": "addressparser",
  "nodemailer/lib/mail-composer": "mail-composer",
  re2js: "re2js",
};

/**
 * Commands that are not run once per message. They are built into a file of their own, tools.js, so that those that are
 * have less code to load. It has its own copy of what it shares with main.js.
 */
const TOOLS = ["ping/ping", "bench/bench", "sink/sink", "encode/encode", "decode/decode", "check/check", "completion", "man"];

/** The files that programs import, by their names in package.json. */
const ENTRIES = {
  index: "src/index.ts",
  protocol: "src/library/protocol.ts",
  nodemailer: "src/library/nodemailer.ts",
};

const DECLARATIONS = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
  module: "preserve",
  allowImportingTsExtensions: true,
  declaration: true,
  emitDeclarationOnly: true,
  resolveJsonModule: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
};

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20",
  // Node loads CommonJS faster than modules.
  format: "cjs",
  logLevel: "warning",
};

/** Keeps the tools out of main.js. */
const separateTools = {
  name: "separate-tools",
  setup({ onResolve }) {
    const paths = TOOLS.map((name) => `./commands/${name}.ts`);
    onResolve({ filter: /^\.\/commands\// }, ({ path }) =>
      paths.includes(path) ? { path: "./tools.js", external: true } : undefined,
    );
  },
};

/** Keeps the libraries out of main.js and tools.js. */
const separateLibraries = {
  name: "separate-libraries",
  setup({ onResolve }) {
    onResolve({ filter: /^[a-z]/ }, ({ path }) =>
      Object.hasOwn(LIBRARIES, path) ? { path: `./${LIBRARIES[path]}.js`, external: true } : undefined,
    );
  },
};

/**
 * Commander loads node:child_process for subcommands that are separate programs, of which we have none. Loading it
 * takes longer than the rest of commander, so commander gets an empty module instead.
 */
const commanderWithoutChildren = {
  name: "commander-without-children",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "empty" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "" }));
  },
};

rmSync(NEW, { recursive: true, force: true });
try {
  mkdirSync(NEW, { recursive: true });
  ownerOnly(DIST);
  await bundle();
  install();
} finally {
  rmSync(NEW, { recursive: true, force: true });
}
await makeCaches();

/** Makes a folder writable for its owner only: otherwise no compiled code is kept there. */
function ownerOnly(folder) {
  const { uid, mode } = statSync(folder);
  if (uid === process.geteuid()) chmodSync(folder, mode & ~0o022);
}

async function bundle() {
  const libraries = Object.entries(LIBRARIES).map(([path, name]) => ({ in: path, out: name }));
  const program = {
    ...common,
    // Turns import() into require(), which is faster; imported code still runs only when it is needed.
    supported: { "dynamic-import": false },
  };
  const plugins = [separateLibraries, commanderWithoutChildren];
  const tools = TOOLS.map((name) => `export * from "./src/commands/${name}.ts";\n`).join("");
  const builds = [
    build({ ...common, entryPoints: libraries, outdir: NEW }),
    build({
      ...program,
      entryPoints: [join(ROOT, "src/main.ts")],
      outfile: join(NEW, "main.js"),
      plugins: [separateTools, ...plugins],
    }),
    build({ ...program, stdin: { contents: tools, resolveDir: ROOT }, outfile: join(NEW, "tools.js"), plugins }),
    bundleLibrary(),
    declareLibrary(),
  ];
  // If one fails, the others must not go on writing into a folder that is being removed.
  await Promise.allSettled(builds);
  await Promise.all(builds);
  const hash = createHash("sha256").update(readFileSync(join(NEW, "main.js"))).digest("hex").slice(0, 16);
  const define = { MAIN_HASH: JSON.stringify(hash) };
  await build({ ...common, entryPoints: [join(ROOT, "src/start.ts")], outdir: NEW, define });
}

/** What programs import, as modules that share what they have in common. */
function bundleLibrary() {
  return build({
    ...common,
    entryPoints: Object.keys(ENTRIES).map((name) => ({ in: join(ROOT, ENTRIES[name]), out: name })),
    outdir: join(NEW, "library"),
    format: "esm",
    splitting: true,
    minify: false,
  });
}

/** Its types. The imports in them name our sources, and are changed to name what is beside them. */
async function declareLibrary() {
  const out = join(NEW, "library");
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "package.json"), '{ "type": "module" }\n');
  const config = join(NEW, "tsconfig.json");
  const compilerOptions = {
    ...DECLARATIONS,
    typeRoots: [join(ROOT, "node_modules/@types")],
    rootDir: join(ROOT, "src"),
    outDir: join(out, "types"),
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, files: Object.values(ENTRIES).map((path) => join(ROOT, path)) }));
  const tsc = spawn(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" });
  const [code] = await once(tsc, "exit");
  rmSync(config);
  if (code !== 0) throw new Error("the library's types could not be made");
  for (const file of readdirSync(join(out, "types"), { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join(out, "types", file);
    writeFileSync(path, readFileSync(path, "utf8").replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
  }
}

/** Removes old caches, then moves main.js, then start.js: a cache can never be taken for that of another main.js. */
function install() {
  const order = (file) => ["main.js", "start.js"].indexOf(file);
  const built = readdirSync(NEW).toSorted((one, other) => order(one) - order(other));
  const stale = readdirSync(DIST).filter((file) => !built.includes(file) && !file.startsWith(".new-"));
  for (const file of stale) rmSync(join(DIST, file), { recursive: true });
  for (const file of built) {
    const target = join(DIST, file);
    // A folder cannot take the place of one that is not empty. The old one goes with the folder of this build.
    if (file === "library" && existsSync(target)) renameSync(target, join(NEW, "old-library"));
    renameSync(join(NEW, file), target);
  }
}

/** Sends a message by each launcher that sends one, so that the program keeps the code that is compiled for it (src/start.ts). */
async function makeCaches() {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => chunk.toString("latin1").endsWith(",,") && socket.end("3:Kok,"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const to = `qmtp://127.0.0.1:${server.address().port}`;
  const envelope = ["-f", "a@example.org", "b@example.org"];
  const codes = await Promise.all([
    warmUp(["qmail-qmtpc", "-s", to], "Fa@example.org\0Tb@example.org\0\0"),
    warmUp(["qmtp-sendmail", "--server", to, ...envelope]),
  ]);
  // Last: the others would begin with the code of this one, and keep it with theirs.
  codes.push(await warmUp(["qmtp", "send", "-s", to, ...envelope]));
  server.close();
  if (codes.some((code) => code !== 0)) {
    process.stderr.write("build: not all compiled code was kept; the program starts more slowly\n");
  }
}

/**
 * Runs a launcher with a message; gives its exit code.
 * @param envelope what descriptor 1 is for qmail-queue's callers
 */
async function warmUp([launcher, ...args], envelope) {
  const { QMTP_SERVER: _server, QMTP_FROM: _from, ...env } = process.env;
  const stdio = ["pipe", envelope === undefined ? "ignore" : "pipe", "inherit"];
  const child = spawn(process.execPath, [join(ROOT, "bin", launcher), ...args], { env, stdio });
  child.stdin.end("Subject: warm-up\n\nThis keeps compiled code.\n");
  child.stdio[1]?.end(envelope);
  const [code] = await once(child, "exit");
  return code;
}
