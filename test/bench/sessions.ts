/** Several sessions at once, with a server that takes its time for each message. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Figure, least } from "./figure.ts";
import { fill, memoryFolder } from "./maildir.ts";
import { built, check, median, QMTP, run, serve } from "./measure.ts";

const COUNT = 5_000;
const EACH_MS = 5;
const SESSIONS = 16;
const TIMES = 3;

export async function measureSessions(): Promise<Figure[]> {
  const home = memoryFolder();
  const maildir = join(home, "maildir");
  const server = await serve([built("answer"), `${EACH_MS}`]);
  const delivering = async (sessions: number) => {
    fill(maildir, COUNT);
    const args = [
      "maildir",
      "-q",
      "--sessions",
      `${sessions}`,
      "-s",
      `127.0.0.1:${server.port}`,
      maildir,
      "",
    ];
    return (await check(run([QMTP, ...args]))).ms;
  };
  try {
    // Once, because it takes half a minute, of which the server sleeps nearly all.
    const one = await delivering(1);
    const several: number[] = [];
    for (let time = 0; time < TIMES; time++) several.push(await delivering(SESSIONS));
    const what = `${COUNT} messages of 4 KB to a server that takes ${EACH_MS} ms for each, ${SESSIONS} sessions`;
    return [least(`${what}, rate against one`, one / median(several), 14)];
  } finally {
    await server.stop();
    rmSync(home, { recursive: true });
  }
}
