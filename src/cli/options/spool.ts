import type { Option } from "commander";
import type { SpooledDelivery } from "../../maildir/spooling.ts";
import type { Delivery } from "../../protocol/delivery.ts";
import type { Message } from "../../protocol/package.ts";
import { messagesStored } from "../../report/progress.ts";
import type { Context } from "../context.ts";
import { option } from "./kinds.ts";
import type { Output } from "./output.ts";

/** Up to this many messages, Node's four threads are enough: starting more takes as long as it saves. */
const FEW = 16;

export function spoolOption(): Option {
  return option(
    "--spool <maildir>",
    "keep the message there for deferred recipients; qmtp maildir sends it later",
  );
}

/**
 * Creates the spool, before anything is sent.
 * @param recipients how many may be deferred
 * @throws {QmtpError} unwritable-maildir
 */
export async function prepareSpool(
  spool: string | undefined,
  recipients: number,
  { setThreads }: Context,
): Promise<void> {
  if (spool === undefined) return;
  const { createMaildir, MAX_SYNCS } = await import("../../maildir/store.ts");
  if (recipients > FEW) setThreads(Math.min(recipients, MAX_SYNCS));
  await createMaildir(spool);
}

/** Stores the message for deferred recipients, if there is a spool; prints why if it cannot. */
export async function keepDeferred(
  spool: string | undefined,
  deliveries: readonly Delivery[],
  sender: Buffer,
  message: Message,
  { say }: Context,
  startProgress?: Output["startProgress"],
): Promise<readonly SpooledDelivery[]> {
  if (spool === undefined) return deliveries;
  const { spoolDeferred } = await import("../../maildir/spooling.ts");
  let stored = 0;
  const total = deliveries.filter(({ status }) => status === "deferral").length;
  const progress = startProgress?.((elapsedMs) => messagesStored(stored, total, elapsedMs));
  const onStored = (count: number) => {
    stored = count;
  };
  const spooled = await spoolDeferred(deliveries, sender, message, spool, onStored);
  progress?.stop();
  for (const problem of spooled.problems) {
    say(`cannot store the message in ${spool}: ${problem}; send again to the recipients without (spooled)`);
  }
  return spooled.deliveries;
}
