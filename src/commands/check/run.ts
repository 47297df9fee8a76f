import { Inbox } from "../../check/inbox.ts";
import { needsMet } from "../../check/needs.ts";
import type { Subject } from "../../check/probe.ts";
import { type RunEnd, unreached } from "../../check/result.ts";
import { runCases } from "../../check/runner.ts";
import { type Summary, summarise } from "../../check/summary.ts";
import type { Context } from "../../cli/context.ts";
import { interruption, QmtpError } from "../../errors.ts";
import { checkJson, listJson } from "../../report/check-json.ts";
import { checkJunit } from "../../report/check-junit.ts";
import { listLines } from "../../report/check-text.ts";
import { CHECK_EXIT, EXIT } from "../../report/exit-tables.ts";
import { describe } from "../../report/remedies.ts";
import { writeLines } from "../../report/write.ts";
import type { Server } from "../../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../../transport/endpoint.ts";
import { Lines } from "./lines.ts";
import type { CheckRequest, CheckRun } from "./read.ts";

/** @throws {QmtpError} unwritable-report */
export async function runCheck(request: CheckRequest, context: Context): Promise<number> {
  const { run, cases, output } = request;
  if (run === undefined) {
    await writeLines(context.stdout, output.json ? [listJson(cases)] : listLines(cases));
    return EXIT.success;
  }
  const lines = await Lines.to(request, context);
  const { server, end, error } = await checkServer(run, request, lines, context);
  const summary = summarise(end.results, run.strict, error !== null);
  const report = { ...end, server, summary, exitCode: exitCodeOf(summary, error), error };
  await lines.end(report);
  if (output.json) await writeLines(context.stdout, [checkJson(report)]);
  run.junit?.write(`${[...checkJunit(report, run.hostname, run.startedAt)].join("\n")}\n`);
  return report.exitCode;
}

interface Checked {
  readonly server: Server | null;
  readonly end: RunEnd;
  readonly error: QmtpError | null;
}

async function checkServer(
  run: CheckRun,
  { cases, output }: CheckRequest,
  lines: Lines,
  context: Context,
): Promise<Checked> {
  const { route, to, large, slow } = run;
  let server: Server;
  try {
    server = await reach(run);
  } catch (error) {
    if (!(error instanceof QmtpError) && !route.signal.aborted) throw error;
    const known = error instanceof QmtpError ? error : interruption(route.signal);
    context.say(describe(known));
    return { server: null, end: unreached(cases), error: known };
  }
  const subject = await subjectOf(run, server);
  let done = 0;
  const progress = output.startProgress(() => `${done} of ${cases.length} cases`);
  try {
    const end = await runCases(cases, subject, {
      needs: needsMet(subject, { large, slow }),
      // A transcript of several connections at once would be hard to read.
      ...(route.observer !== undefined && { atOnce: 1 }),
      onAnnounced: (messages) => {
        if (messages > 0 && to !== undefined) context.say(announcement(messages, to));
      },
      onResult: (result) => {
        done++;
        lines.print(result);
      },
    });
    return { server, end, error: route.signal.aborted ? interruption(route.signal) : null };
  } finally {
    progress?.stop();
  }
}

function announcement(messages: number, to: Buffer): string {
  return `at most ${messages} messages go to ${to}`;
}

/** Connects once, so that all cases speak to the same server. @throws {QmtpError} */
async function reach({ route }: CheckRun): Promise<Server> {
  const { connection, server } = await route.connector.open(
    route.endpoints,
    route.signal,
    route.observer?.note,
  );
  connection.on("error", () => {});
  connection.destroy();
  return server;
}

async function subjectOf(run: CheckRun, server: Server): Promise<Subject> {
  const { route, inbox: maildir } = run;
  const endpoint = reachedEndpoint(route.endpoints, server);
  const inbox = maildir === undefined ? undefined : new Inbox(maildir);
  await inbox?.ignorePresent();
  const { connector, signal, observer } = route;
  return { ...run, endpoint, connector, signal, observer, inbox };
}

/** The endpoint of this server; of a domain with several exchangers, the one that answered. */
function reachedEndpoint(endpoints: readonly Endpoint[], { endpoint, address, port }: Server): Endpoint {
  const found = endpoints.find((one) => formatEndpoint(one) === endpoint) ?? endpoints[0];
  if (found === undefined) throw new RangeError("no endpoint");
  if (found.kind !== "mx" || address === null || port === null) return found;
  return { kind: "tcp", host: address, port };
}

function exitCodeOf({ ending }: Summary, error: QmtpError | null): number {
  return error?.code === "no-exchanger" ? EXIT.permanent : CHECK_EXIT[ending];
}
