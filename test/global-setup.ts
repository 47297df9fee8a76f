import { execFileSync } from "node:child_process";

/** The launchers run what is built, so that what is tested is what is published. */
export function setup(): void {
  execFileSync("npm", ["run", "-s", "build"], { stdio: "inherit" });
}
