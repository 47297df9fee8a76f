import { expect } from "vitest";
import { qmtp } from "../../support/in-process.ts";

export const TO = "b@example.org";

/** Runs `qmtp bench` with --json; gives its one object. */
export async function benchJson(endpoint: string, ...args: string[]) {
  const { stdout } = await qmtp(["bench", "--json", "-s", endpoint, "--to", TO, ...args]);
  const lines = stdout.split("\n");
  expect(lines).toHaveLength(2);
  return JSON.parse(lines[0] as string);
}
