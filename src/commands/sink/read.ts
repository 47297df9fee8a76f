import type { Context } from "../../cli/context.ts";
import { checkTlsUse, readSlowFiles, type TlsFiles } from "../../cli/options/tls.ts";
import { reason, usageError } from "../../errors.ts";
import type { Misbehaving } from "../../sink/draws.ts";
import type { ListenEndpoint } from "../../sink/listen.ts";
import type { Misbehaviour } from "../../sink/misbehaviour.ts";
import { type RecipientRule, RULE_TEXTS } from "../../sink/rules.ts";
import type { SinkOptions } from "../../sink/server.ts";
import type { ServerTls } from "../../sink/tls-server.ts";
import { type Endpoint, parseEndpoint } from "../../transport/endpoint.ts";
import { MAX_SEED, SINK_PORT } from "./declare.ts";

/** The options as commander returns them; times in milliseconds. */
export interface SinkCommandOptions extends TlsFiles {
  readonly listen: string;
  readonly maildir?: string;
  readonly reject?: readonly string[];
  readonly defer?: readonly string[];
  readonly maxBytes?: number;
  readonly maxRecipients: number;
  readonly exitAfter?: number;
  readonly delay: number;
  readonly timeout: number;
  readonly fault?: readonly Misbehaviour[];
  readonly faultRate?: number;
  readonly seed?: number;
  readonly json?: true;
  readonly quiet?: true;
}

/** Where to listen, and how to answer. */
export interface SinkRequest {
  /** Undefined to serve standard input and output. */
  readonly endpoint: ListenEndpoint | undefined;
  readonly json: boolean;
  /** Print totals instead of packages. */
  readonly quiet: boolean;
  readonly options: Omit<SinkOptions, "onEvent" | "onPackage">;
}

/** @throws {QmtpError} usage, unreadable-configuration */
export async function read(
  options: SinkCommandOptions,
  _operands: readonly string[],
  { interrupted }: Context,
): Promise<SinkRequest> {
  const endpoint = parseEndpoint(options.listen, { port: SINK_PORT, lowest: 0 });
  if (endpoint.kind === "exec" || endpoint.kind === "mx") {
    throw usageError(`cannot listen on ${endpoint.kind}:; give --listen another endpoint`);
  }
  return {
    endpoint: endpoint.kind === "ucspi" ? undefined : endpoint,
    json: options.json === true,
    quiet: options.quiet === true,
    options: {
      tls: await readTls(endpoint, options, interrupted),
      rules: {
        recipients: await readRules(options),
        maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
        maxRecipients: options.maxRecipients,
      },
      maildir: options.maildir,
      delayMs: options.delay,
      misbehaving: readMisbehaving(options),
      idleMs: options.timeout,
      exitAfter: options.exitAfter,
      signal: interrupted,
    },
  };
}

async function readTls(
  { kind }: Endpoint,
  options: SinkCommandOptions,
  signal: AbortSignal,
): Promise<ServerTls | undefined> {
  const { cert, key, cacert } = options;
  if (kind === "tls" && cert === undefined) {
    throw usageError("TLS needs a certificate and its key: name them with --cert and --key");
  }
  checkTlsUse(options, kind === "tls", "listen on qmtps://host:port");
  if (cert === undefined) return undefined;
  const { readServerTls } = await import("../../sink/tls-server.ts");
  const read = await readSlowFiles([cacert, cert, key], { signal });
  return readServerTls(cert, key ?? cert, cacert, read);
}

/** Separates a regular expression from its text. It is rare in addresses, and `:[ ]` still matches it. */
const BEFORE_TEXT = ": ";

/** The rules of --reject, then those of --defer: a recipient that matches both is refused. */
async function readRules({ reject = [], defer = [] }: SinkCommandOptions): Promise<RecipientRule[]> {
  if (reject.length + defer.length === 0) return [];
  const { compilePattern } = await import("../../sink/pattern.ts");
  const ruleFor = (status: "failure" | "deferral", flags: string) => (rule: string) => {
    const [regex = "", ...text] = rule.split(BEFORE_TEXT);
    const said = text.length === 0 ? RULE_TEXTS[status] : text.join(BEFORE_TEXT);
    try {
      return { pattern: compilePattern(regex), response: { status, text: Buffer.from(said) } };
    } catch (error) {
      const wanted = "write a regular expression in the syntax of RE2";
      throw usageError(`option '${flags}' does not accept '${rule}': ${reason(error)}; ${wanted}`);
    }
  };
  return [
    ...reject.map(ruleFor("failure", "--reject <regex>")),
    ...defer.map(ruleFor("deferral", "--defer <regex>")),
  ];
}

function readMisbehaving({ fault, faultRate, seed }: SinkCommandOptions): Misbehaving | undefined {
  if (fault !== undefined) {
    return { kinds: fault, percent: faultRate ?? 100, seed: seed ?? Math.floor(Math.random() * MAX_SEED) };
  }
  if (faultRate !== undefined) throw usageError("--fault-rate needs --fault");
  if (seed !== undefined) throw usageError("--seed needs --fault");
  return undefined;
}
