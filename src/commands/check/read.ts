import { statSync } from "node:fs";
import { hostname } from "node:os";
import type { Case } from "../../check/case.ts";
import { CASES } from "../../check/cases/all.ts";
import { selected } from "../../check/select.ts";
import type { Context } from "../../cli/context.ts";
import { type Output, type OutputOptions, readOutput } from "../../cli/options/output.ts";
import { type ResolvingRoute, type RouteOptions, readEndpoints, routeTo } from "../../cli/options/route.ts";
import { readTls } from "../../cli/options/tls.ts";
import { saidOnce } from "../../cli/said-once.ts";
import { recipientFromText, senderFromText } from "../../envelope/address.ts";
import { reason, usageError, visiblePath } from "../../errors.ts";
import { ReportFile } from "../../report/report-file.ts";
import type { TlsSettings } from "../../transport/tls-settings.ts";

/** The options as commander returns them; times in milliseconds. */
export interface CheckOptions extends Omit<RouteOptions, "maxTime">, OutputOptions {
  readonly to?: string;
  readonly refused?: string;
  readonly from?: string;
  readonly inbox?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly list?: true;
  readonly large?: true;
  readonly slow?: true;
  readonly strict?: true;
  readonly wait: number;
  readonly junit?: string;
}

/** A server to check, or a list to print. */
export interface CheckRequest {
  readonly cases: readonly Case[];
  readonly output: Output;
  /** Undefined if the cases are only to be listed. */
  readonly run: CheckRun | undefined;
}

export interface CheckRun {
  readonly route: ResolvingRoute;
  readonly tls: TlsSettings | undefined;
  readonly sender: Buffer;
  readonly to: Buffer | undefined;
  readonly refused: Buffer | undefined;
  readonly inbox: string | undefined;
  readonly large: boolean;
  readonly slow: boolean;
  readonly strict: boolean;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly junit: ReportFile | undefined;
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** @throws {QmtpError} usage, unreadable-configuration, unwritable-trace, unwritable-report */
export async function read(
  options: CheckOptions,
  operands: readonly string[],
  context: Context,
): Promise<CheckRequest> {
  const [operand] = operands;
  if (operand !== undefined) throw usageError(`unexpected argument '${operand}'; see qmtp check --help`);
  const cases = selected(CASES, options.only ?? [], options.skip ?? [], (pattern) => {
    throw usageError(`no case is named '${pattern}', nor begins like this; qmtp check --list prints all`);
  });
  if (cases.length === 0) throw usageError("--skip leaves no case to run");
  const output = readOutput(options, context);
  return { cases, output, run: options.list ? undefined : await readRun(options, context) };
}

async function readRun(options: CheckOptions, context: Context): Promise<CheckRun> {
  const to = options.to === undefined ? undefined : recipientFromText(options.to, "--to", "typed");
  const refused =
    options.refused === undefined ? undefined : recipientFromText(options.refused, "--refused", "typed");
  if (options.inbox !== undefined && to === undefined) {
    throw usageError("--inbox needs --to, whose messages arrive there");
  }
  // Without --to, nothing that could be delivered is completed.
  if (refused !== undefined && to === undefined) {
    throw usageError("--refused needs --to: without it, no package is sent whole");
  }
  if (to !== undefined && refused?.equals(to)) throw usageError("--to and --refused are the same address");
  checkInbox(options.inbox);
  const route = await routeTo(readEndpoints(options, context.env), options, saidOnce(context));
  if (route.endpoints.some(({ kind }) => kind === "ucspi")) {
    throw usageError("ucspi: is one connection, and a check needs many; name another endpoint");
  }
  const usesTls = route.endpoints.some(({ kind }) => kind === "tls");
  return {
    route,
    tls: await readTls(options, usesTls, context.env, route),
    sender: senderFromText(options.from ?? "", "--from", "typed"),
    to,
    refused,
    inbox: options.inbox,
    large: options.large === true,
    slow: options.slow === true,
    strict: options.strict === true,
    waitMs: options.wait,
    timeoutMs: options.timeout,
    junit: options.junit === undefined ? undefined : new ReportFile(options.junit),
    hostname: hostname(),
    startedAt: Date.now(),
  };
}

/** @throws {QmtpError} usage */
function checkInbox(inbox: string | undefined): void {
  if (inbox === undefined) return;
  try {
    for (const folder of ["new", "cur"]) {
      if (!statSync(`${inbox}/${folder}`).isDirectory()) throw new Error(`${folder} is not a folder`);
    }
  } catch (error) {
    throw usageError(`--inbox ${visiblePath(inbox)} is not a maildir: ${reason(error)}`);
  }
}
