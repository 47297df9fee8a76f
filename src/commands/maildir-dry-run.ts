import type { Context } from "../context.ts";
import { abandonedFiles, Listing, type MaildirFile } from "../maildir/listing.ts";
import { MessageFileReader } from "../maildir/message-file.ts";
import { isExpired } from "../maildir/policy.ts";
import {
  type MaildirDryRun,
  maildirDryRunJson,
  maildirDryRunLines,
  type Planned,
} from "../report/maildir-dry-run.ts";
import { writeLines } from "../report/write.ts";
import { formatEndpoint } from "../transport/endpoint.ts";
import { bounceRoute } from "./maildir-bounces.ts";
import type { MaildirRequest } from "./maildir-request.ts";

/** Prints what a run would do. Nothing is connected to, locked, sent or removed. */
export async function printMaildirDryRun(
  request: MaildirRequest,
  json: boolean,
  context: Context,
): Promise<void> {
  const { policy, bounceServer, endpoints } = request;
  const run: MaildirDryRun = {
    endpoints: endpoints.map(formatEndpoint),
    failures: policy.bounce ? `bounced ${bounceRoute(bounceServer, context.env)}` : "kept",
    lifetimeMs: policy.lifetimeMs,
    files: planned(request),
  };
  await writeLines(context.stdout, json ? maildirDryRunJson(run) : maildirDryRunLines(run));
}

function planned(request: MaildirRequest): Planned[] {
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
      why: "it was left in tmp and not looked at for 36 hours",
    })),
  ];
}

function plan(
  file: MaildirFile,
  reader: MessageFileReader,
  { policy, startedAt }: MaildirRequest,
): Planned[] {
  const { name } = file;
  const read = reader.read(file);
  if ("message" in read) {
    const { sender, recipients, message } = read;
    const ageMs = startedAt - file.mtimeMs;
    const expired = isExpired(ageMs, policy);
    const envelope = { sender, recipient: recipients[0] as Buffer, bytes: message.length, ageMs };
    const last = policy.bounce ? "a deferral bounces it" : "a deferral is a failure";
    return [{ name, action: "send", ...envelope, why: expired ? `too old to wait any longer: ${last}` : "" }];
  }
  if ("why" in read) return [{ name, action: "skip", why: read.why }];
  if (read.kind === "gone") return [];
  return [{ name, action: "ignore", why: "the recipient has another prefix" }];
}
