import { afterEach, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { finished, stopAll } from "../../support/processes.ts";
import { envelopeFor, envelopeOf, homeWith, queueHere, startQueue } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

afterEach(stopAll);

const LIMIT = ["--max-time", "0.6"];
const REMEDY = "check the program that writes it, or raise --max-time";

const unread = (what: string) => ({
  code: 54,
  signal: null,
  stdout: "",
  stderr: `qmail-qmtpc: ${what} within 0.6 s; ${REMEDY}\n`,
});

test("--max-time ends the reading of a message that does not come: exit code 54", async () => {
  const server = await startScriptedServer();
  const done = finished(startQueue(homeWith(server.endpoint), LIMIT));
  expect(await done).toEqual(unread("nothing was read from standard input"));
  expect(server.connections).toBe(0);
});

test("--max-time ends the reading of an envelope that does not come, or does not end: exit code 54", async () => {
  const server = await startScriptedServer();
  const [none, half] = [
    startQueue(homeWith(server.endpoint), LIMIT),
    startQueue(homeWith(server.endpoint), LIMIT),
  ];
  const done = [finished(none), finished(half)];
  for (const child of [none, half]) child.stdin?.end("hi\n");
  envelopeOf(half).write("Fa@x\0Tb@y\0");
  expect(await Promise.all(done)).toEqual([
    unread("nothing was read from the envelope on descriptor 1"),
    unread("the end of the envelope on descriptor 1 was not reached"),
  ]);
  expect(server.connections).toBe(0);
});

test("--max-time ends connecting: exit code 72, with a line for each recipient", async () => {
  const server = `127.0.0.1:${await portThatNeverAnswers()}`;
  const run = await queueHere({ args: LIMIT, envelope: envelopeFor("b@y", "c@y"), env: homeWith(server) });
  const why = `deferral: cannot connect to qmtp://${server}: no connection within 0.6 s`;
  const stderr = `qmail-qmtpc: b@y: ${why}\nqmail-qmtpc: c@y: ${why}\n`;
  expect(run).toEqual({ code: 72, signal: null, stdout: "", stderr });
});
