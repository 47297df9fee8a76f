import { afterEach, expect, test, vi } from "vitest";
import { mailDate } from "../../src/header/date.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  ["UTC", "2026-11-24T03:04:05Z", "Tue, 24 Nov 2026 03:04:05 +0000"],
  ["Europe/Berlin", "2026-07-01T22:30:00Z", "Thu, 2 Jul 2026 00:30:00 +0200"],
  ["Europe/Berlin", "2026-12-31T23:00:00Z", "Fri, 1 Jan 2027 00:00:00 +0100"],
  ["America/St_Johns", "2026-01-05T00:00:09Z", "Sun, 4 Jan 2026 20:30:09 -0330"],
  ["Asia/Kathmandu", "2026-02-28T18:15:00Z", "Sun, 1 Mar 2026 00:00:00 +0545"],
  ["Pacific/Kiritimati", "2026-01-01T00:00:00Z", "Thu, 1 Jan 2026 14:00:00 +1400"],
])("a Date field has the local time of %s", (zone, moment, expected) => {
  vi.stubEnv("TZ", zone);
  expect(mailDate(new Date(moment))).toBe(expected);
});
