import type { Option } from "commander";
import type { SpooledDelivery } from "../../maildir/spooling.ts";
import type { Delivery } from "../../protocol/delivery.ts";
import type { Message } from "../../protocol/package.ts";
import type { Context } from "../context.ts";
import { option } from "./kinds.ts";

export function spoolOption(): Option {
  return option(
    "--spool <maildir>",
    "keep the message there for deferred recipients; qmtp maildir sends it later",
  );
}

/**
 * Creates the spool, before anything is sent.
 * @throws {QmtpError} unwritable-maildir
 */
export async function prepareSpool(spool: string | undefined): Promise<void> {
  if (spool === undefined) return;
  const { createMaildir } = await import("../../maildir/store.ts");
  await createMaildir(spool);
}

/** Stores the message for deferred recipients, if there is a spool; prints why if it cannot. */
export async function keepDeferred(
  spool: string | undefined,
  deliveries: readonly Delivery[],
  sender: Buffer,
  message: Message,
  { say }: Context,
): Promise<readonly SpooledDelivery[]> {
  if (spool === undefined) return deliveries;
  const { spoolDeferred } = await import("../../maildir/spooling.ts");
  const spooled = await spoolDeferred(deliveries, sender, message, spool);
  for (const problem of spooled.problems) {
    say(`cannot store the message in ${spool}: ${problem}; send again to the recipients without (spooled)`);
  }
  return spooled.deliveries;
}
