import { execFile } from "node:child_process";
import type { LookupFunction } from "node:net";

/** Looks up the first argument with the options in the second, and prints the answer or the error in JSON. */
const SCRIPT = `
  const { lookup } = require("node:dns");
  const { argv, stdout } = require("node:process");
  lookup(argv[1], JSON.parse(argv[2]), (error, ...answer) => {
    const failed = error && { code: error.code, message: error.message };
    stdout.write(JSON.stringify({ failed, answer }));
  });
`;

/**
 * Looks up names in a process of its own, which is killed when the signal is aborted. The system's lookup cannot be
 * stopped: in this process it would keep a thread, and this process, waiting for a name server after the time is over.
 * @param node the path of Node
 */
export function lookupApart(node: string, signal: AbortSignal): LookupFunction {
  return (host, options, callback) => {
    const args = ["-e", SCRIPT, "--", host, JSON.stringify(options)];
    execFile(node, args, { signal, killSignal: "SIGKILL" }, (error, stdout) => {
      if (error !== null) {
        callback(new Error(`the lookup failed: ${error.message.split("\n")[0]}`), []);
        return;
      }
      const { failed, answer } = JSON.parse(stdout);
      const [address, family] = answer;
      callback(failed && Object.assign(new Error(failed.message), { code: failed.code }), address, family);
    });
  };
}
