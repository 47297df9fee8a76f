import { expect, test } from "vitest";
import { byPreference, speaksQmtp } from "../../src/transport/mxps.ts";

test("sixteen preferences mean QMTP: 12801, 12817, and so on to 13041", () => {
  const preferences = Array.from({ length: 65_536 }, (_, preference) => preference);
  const meaningQmtp = preferences.filter((preference) => speaksQmtp({ host: "mx", preference }));
  expect(meaningQmtp).toEqual([
    12_801, 12_817, 12_833, 12_849, 12_865, 12_881, 12_897, 12_913, 12_929, 12_945, 12_961, 12_977, 12_993,
    13_009, 13_025, 13_041,
  ]);
});

test("the lowest preference comes first, and equal ones take turns", () => {
  const exchangers = [
    { host: "c", preference: 12_817 },
    { host: "a", preference: 12_801 },
    { host: "b", preference: 12_801 },
    { host: "d", preference: 10 },
  ];
  const hosts = (draws: number[]) =>
    byPreference(exchangers, () => draws.shift() as number).map(({ host }) => host);
  expect(hosts([0.5, 0.1, 0.2, 0.9])).toEqual(["d", "a", "b", "c"]);
  expect(hosts([0.5, 0.2, 0.1, 0.9])).toEqual(["d", "b", "a", "c"]);
});
