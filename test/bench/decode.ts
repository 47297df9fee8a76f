import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Figure, least, most } from "./figure.ts";
import { built, check, inTurn, peakMiB, QMTP, run } from "./measure.ts";

const GIB = 1024 ** 3;
const BLOCK = 4 * 1024 * 1024;

/** Writes about 1 GiB of packages with messages of this length. */
function packagesFile(path: string, length: number): void {
  const line = `${"x".repeat(71)}\n`;
  const message = `\n${line.repeat(Math.ceil(length / line.length)).slice(0, length)}`;
  const wire = Buffer.from(`${message.length}:${message},13:a@example.org,17:13:b@example.org,,`);
  const block = Buffer.concat(Array.from({ length: Math.ceil(BLOCK / wire.length) }, () => wire));
  const file = openSync(path, "w");
  for (let written = 0; written < GIB; ) written += writeSync(file, block);
  closeSync(file);
}

/** Rates of `qmtp decode` for a file, against reading it: with the listing, and with -q. */
async function rates(path: string): Promise<{ listed: number; checked: number }> {
  const decoding =
    (...options: string[]) =>
    async () =>
      (await check(run([QMTP, "decode", ...options, path], undefined, "ignore"))).ms;
  const reading = async () => (await check(run([built("read"), path]))).ms;
  const listed = await inTurn(5, decoding(), reading);
  const checked = await inTurn(5, decoding("-q"), reading);
  return { listed: listed.other / listed.one, checked: checked.other / checked.one };
}

export async function measureDecode(folder: string): Promise<Figure[]> {
  const path = join(folder, "packages");
  packagesFile(path, 64 * 1024 * 1024);
  const large = await rates(path);
  packagesFile(path, 4_096);
  const small = await rates(path);
  const peak = await peakMiB([QMTP, "decode", path], undefined, { output: "ignore" });
  rmSync(path);
  const [of64, of4] = ["1 GiB of packages of 64 MiB", "1 GiB of packages of 4 KB"];
  const than = "rate of qmtp decode against reading the file";
  return [
    least(`${of64}, listed, ${than}`, large.listed, 0.5),
    least(`${of4}, checked with -q, ${than}`, small.checked, 0.5),
    least(`${of4}, listed, ${than}`, small.listed, 0.1),
    most(`${of4}, listed, peak memory of qmtp decode`, peak, 150, "MiB"),
  ];
}
