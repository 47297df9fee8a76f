import { tmpdir } from "node:os";

/** What the library uses of the program that imports it. */
export const HOST = {
  env: process.env,
  temporaryDirectory: tmpdir(),
  signalGroup(group: number, signal: NodeJS.Signals): void {
    try {
      process.kill(-group, signal);
    } catch {
      // The group has already exited.
    }
  },
};
