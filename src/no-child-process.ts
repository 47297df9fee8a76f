/**
 * Stands in for node:child_process in what is published: commander loads it for a feature that is not used
 * here (subcommands that are programs of their own), and loading it takes longer than the rest of commander.
 */
export function spawn(): never {
  throw new Error("no subcommand is a program of its own");
}
