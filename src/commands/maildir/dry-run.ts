import type { Context } from "../../cli/context.ts";
import { abandonedFiles } from "../../maildir/abandoned.ts";
import { Listing, type MaildirFile } from "../../maildir/listing.ts";
import { MessageFileReader } from "../../maildir/message-file.ts";
import { isExpired } from "../../maildir/policy.ts";
import {
  type MaildirDryRun,
  maildirDryRunJson,
  maildirDryRunLines,
  type PlannedFile,
} from "../../report/maildir-dry-run.ts";
import { writeLines } from "../../report/write.ts";
import { type Endpoint, formatEndpoint } from "../../transport/endpoint.ts";
import type { MaildirRequest } from "./read.ts";

/** Prints what a run would do. Does not lock, connect, send or remove anything. */
export async function printDryRun(request: MaildirRequest, context: Context): Promise<void> {
  const { policy, route, output } = request;
  const dryRun: MaildirDryRun = {
    endpoints: route.endpoints.map(formatEndpoint),
    failures: policy.bounce ? `bounced ${bounceWay(request)}` : "kept",
    lifetimeMs: policy.lifetimeMs,
    files: planned(request),
  };
  await writeLines(context.stdout, output.json ? maildirDryRunJson(dryRun) : maildirDryRunLines(dryRun));
}

function bounceWay({ bounces: { route, queue } }: MaildirRequest): string {
  if (route === undefined) return `through ${queue.program}`;
  return `by QMTP to ${formatEndpoint(route.endpoints[0] as Endpoint)}`;
}

function planned(request: MaildirRequest): PlannedFile[] {
  const { maildir, prefix, startedAt } = request;
  const reader = new MessageFileReader(prefix, () => {});
  const listing = new Listing(maildir, startedAt);
  return [
    ...[...listing.files()].flatMap((file) => plan(file, reader, request)),
    ...[...listing.tooNew()].map(({ name }) => ({
      name,
      action: "ignore" as const,
      why: "it may still be arriving",
    })),
    ...listing.unusable.map(({ name, why }) => ({ name, action: "skip" as const, why })),
    ...abandonedFiles(maildir, startedAt).map((name) => ({
      name,
      action: "remove" as const,
      why: "it was left in tmp and not read for 36 hours",
    })),
  ];
}

function plan(
  file: MaildirFile,
  reader: MessageFileReader,
  { policy, startedAt }: MaildirRequest,
): PlannedFile[] {
  const { name } = file;
  const read = reader.read(file);
  if ("message" in read) {
    const { sender, recipients, message } = read;
    const ageMs = startedAt - file.mtimeMs;
    const expired = isExpired(ageMs, policy);
    const envelope = { sender, recipient: recipients[0] as Buffer, bytes: message.length, ageMs };
    const last = policy.bounce ? "a deferral bounces it" : "a deferral is a failure";
    return [{ name, action: "send", ...envelope, why: expired ? `expired: ${last}` : "" }];
  }
  if ("why" in read) return [{ name, action: "skip", why: read.why }];
  if (read.kind === "gone") return [];
  return [{ name, action: "ignore", why: "the recipient has another prefix" }];
}
