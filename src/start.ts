import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

/*
 * Loads main.js. Compiling it takes longer than everything else in a run, so V8's compiled code is cached in a file next
 * to it: one for each launcher, because what they compile differs. The build writes these files; if one is missing,
 * because another Node version built the package, the first run by the directory's owner writes it. If it is missing,
 * stale or damaged, that of `qmtp` is used, or main.js is compiled normally: it is never an error.
 */

/** The hash of main.js, set by the build. V8 itself compares only the length of the source. */
declare const MAIN_HASH: string;

interface Main {
  /** @returns whether this kind of run is common enough to keep its compiled code */
  main(launcher: string): Promise<boolean>;
}

type Wrapper = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  file: string,
  folder: string,
) => void;

/** Runs a launcher with the arguments of this process, and sets the exit code. */
export async function start(launcher = "qmtp"): Promise<void> {
  const filename = `${__dirname}/main.js`;
  const cacheOf = (name: string) =>
    `${__dirname}/${name}-${process.version}-${process.arch}-${MAIN_HASH}.cache`;
  // Read before the cache: a build removes the old cache, then replaces main.js, so that the two always match.
  const source = readFileSync(filename, "latin1");
  const own = readCache(cacheOf(launcher));
  const cachedData = own ?? readCache(cacheOf("qmtp"));
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename,
    ...(cachedData && { cachedData }),
  });
  const module = { exports: {} };
  (script.runInThisContext() as Wrapper)(module.exports, require, module, filename, __dirname);
  const worthKeeping = await (module.exports as Main).main(launcher);
  if (worthKeeping && (own === undefined || script.cachedDataRejected)) keep(script, cacheOf(launcher));
}

/**
 * Reads the file, which contains the code twice: V8 checks only the beginning, and would run damaged code. Comparing
 * the copies is cheaper than a checksum.
 */
function readCache(file: string): Buffer | undefined {
  try {
    const content = readFileSync(file);
    const length = content.length / 2;
    const code = content.subarray(0, length);
    return code.equals(content.subarray(length)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the cache atomically, if only we can write to this directory and V8 runs with default flags. */
function keep(script: Script, cache: string): void {
  const temporary = `${cache}.${process.pid}`;
  try {
    const { uid, mode } = statSync(__dirname);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return;
    // V8 rejects code compiled with other flags: runs with different flags would keep overwriting the cache.
    if (process.execArgv.length > 0 || process.env.NODE_OPTIONS) return;
    const code = script.createCachedData();
    writeFileSync(temporary, Buffer.concat([code, code]), { flag: "wx", mode: 0o644 });
    renameSync(temporary, cache);
  } catch {
    rmSync(temporary, { force: true });
  }
}
