import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/* `npm run demo`: sends one message to a sink on a free port, with a different result for each of three recipients. */

const SINK = "bin/qmtp sink --listen 127.0.0.1:0 --reject '^bob@' --defer '^ann@' --exit-after 1";
const SEND = (endpoint: string) => `printf 'Subject: hello\\n\\nThis went over QMTP.\\n' |
    bin/qmtp send --server ${endpoint} --from demo@example.org \\
        joe@example.org ann@example.org bob@example.org`;

const RESULTS = [
  /^joe@example\.org: success: ok \d+ qp 1$/m,
  /^ann@example\.org: deferral: .+$/m,
  /^bob@example\.org: failure: .+$/m,
];
const RECEIVED =
  /^127\.0\.0\.1 port \d+: demo@example\.org -> joe@example\.org success, ann@example\.org deferral, bob@example\.org failure; \d+ bytes, unix$/m;

/** Anything that takes longer counts as hung, in milliseconds. */
const LIMIT_MS = 30_000;

/** Runs a command line as shown. */
function shell(command: string) {
  return spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
}

function show(...paragraphs: string[]): void {
  for (const paragraph of paragraphs) process.stdout.write(`${paragraph.trimEnd()}\n\n`);
}

/** @returns whether everything went as expected */
async function demo(): Promise<boolean> {
  show("A server for one package, which defers ann and refuses bob:", `$ ${SINK} &`);
  const sink = shell(`exec ${SINK}`);
  const received = text(sink.stdout);
  const [started] = await once(sink.stderr, "data");
  show(String(started));
  const endpoint = /listening on (\S+)/.exec(String(started))?.[1];
  if (endpoint === undefined) return false;

  show("One message to the three of them:", `$ ${SEND(endpoint)}`);
  const send = shell(SEND(endpoint));
  const [results, errors, [exitCode]] = await Promise.all([
    text(send.stdout),
    text(send.stderr),
    once(send, "close"),
  ]);
  show(results + errors, `$ echo $?\n${exitCode}`);
  show(
    "111: not every recipient has a success, and trying again later may help. It is 0 only when all have.",
  );
  if (exitCode !== 111) sink.kill();

  show("What the server printed:", await received);
  return exitCode === 111 && RESULTS.every((line) => line.test(results)) && RECEIVED.test(await received);
}

// Stays if something exits early.
process.exitCode = 1;
demo().then((asExpected) => {
  if (asExpected) process.exitCode = 0;
  else process.stderr.write("The demonstration did not go as it should.\n");
});
