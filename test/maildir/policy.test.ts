import { expect, test } from "vitest";
import { decide } from "../../src/maildir/policy.ts";

const HOUR = 3_600_000;

/** Status, age in hours, bouncing, lifetime in hours, sender; then the outcome. */
test.each<["success" | "deferral" | "failure", number, boolean, number | undefined, string, string, boolean]>(
  [
    ["success", 0, false, undefined, "a@x", "remove", false],
    ["success", 9, true, 1, "a@x", "remove", false],
    ["deferral", 9, true, undefined, "a@x", "keep", false],
    ["deferral", 1, true, 1, "a@x", "keep", false],
    ["deferral", 1.001, true, 1, "a@x", "bounce", true],
    ["deferral", 1.001, false, 1, "a@x", "keep", true],
    ["deferral", 0.001, true, 0, "a@x", "bounce", true],
    ["failure", 0, false, undefined, "a@x", "keep", false],
    ["failure", 0, true, undefined, "a@x", "bounce", false],
    ["failure", 0, true, undefined, "", "bounce", false],
    ["failure", 0, true, undefined, "#@[]", "discard", false],
    ["failure", 0, false, undefined, "#@[]", "keep", false],
    ["deferral", 9, true, 1, "#@[]", "discard", true],
    ["deferral", 0, true, 1, "#@[]", "keep", false],
  ],
)(
  "%s after %d h, bouncing %s, lifetime %s h, sender '%s': %s, expired %s",
  (status, age, bounce, lifetime, sender, action, expired) => {
    const policy = { bounce, lifetimeMs: lifetime === undefined ? undefined : lifetime * HOUR };
    expect(decide(status, Buffer.from(sender), age * HOUR, policy)).toEqual({ action, expired });
  },
);
