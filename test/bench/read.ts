/** Reads a file to its end, as fast as Node can, and does nothing with it: what `qmtp decode` is compared to. */
import { openSync, readSync } from "node:fs";

const buffer = Buffer.allocUnsafeSlow(2 * 1024 * 1024 + 48).subarray(48);
const file = openSync(process.argv[2] as string, "r");
while (readSync(file, buffer, 0, buffer.length, null) > 0);
