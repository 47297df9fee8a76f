import type { Context } from "../../cli/context.ts";
import type { ResolvingRoute } from "../../cli/options/route.ts";
import { connectTooLong } from "../../client/deliver.ts";
import { startWait } from "../../io/patience.ts";
import type { Message } from "../../protocol/package.ts";
import {
  type DryRun,
  type DryRunExchanger,
  dryRunJson,
  dryRunLines,
  firstLines,
} from "../../report/dry-run.ts";
import { writeLines } from "../../report/write.ts";
import { formatEndpoint } from "../../transport/endpoint.ts";
import type { SendRequest } from "./read.ts";

/** The servers behind `mx:` endpoints; undefined if there are none of these. */
async function exchangersOf(route: ResolvingRoute): Promise<DryRunExchanger[] | undefined> {
  const { endpoints, connector } = route;
  const domains = endpoints.filter((endpoint) => endpoint.kind === "mx");
  if (domains.length === 0) return undefined;
  const wait = startWait(route, (ms) => connectTooLong(domains, ms));
  const all = domains.map(async (domain) => {
    const located = await connector.exchangersOf(domain, wait.signal);
    const common = { endpoint: formatEndpoint(domain), port: domain.port };
    return located.map(({ host, preference, addresses }) => ({
      ...common,
      exchanger: host,
      preference,
      addresses,
    }));
  });
  return (await Promise.all(all).finally(() => wait.end())).flat();
}

/** Prints what would be sent. */
export async function printDryRun(
  { sender, route, split, spool, output }: SendRequest,
  message: Message,
  recipients: readonly Buffer[],
  fields: DryRun["message"],
  context: Context,
): Promise<void> {
  const dryRun = {
    endpoints: route.endpoints.map(formatEndpoint),
    exchangers: await exchangersOf(route),
    sender,
    recipients,
    packages: split ? recipients.length : 1,
    message: fields,
    spool,
    firstLines: await firstLines(message),
  };
  await writeLines(context.stdout, output.json ? [dryRunJson(dryRun)] : dryRunLines(dryRun));
}
