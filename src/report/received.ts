import { type Client, clientName } from "../sink/client.ts";
import type { Received } from "../sink/contract.ts";
import { field, toJson } from "./json.ts";
import { sanitise } from "./sanitise.ts";

/** One line for a package that the sink answered: client, sender, recipients with their results, size, encoding. */
export function receivedLine(pkg: Received, client: Client): string {
  const { sender, answers, surplus, bytes, encoding, misbehaviours } = pkg;
  const from = sender.length === 0 ? "<>" : sanitise(sender);
  const to = answers.map(({ recipient, response }) => `${sanitise(recipient)} ${response.status}`);
  if (surplus > 0) to.push(`${surplus} more failure`);
  const faults = misbehaviours.length === 0 ? "" : `; fault: ${misbehaviours.join(", ")}`;
  return `${sanitise(clientName(client))}: ${from} -> ${to.join(", ")}; ${bytes} bytes, ${encoding}${faults}`;
}

/** The same as one line of JSON. */
export function receivedJson(pkg: Received, client: Client): string {
  const { sender, answers, surplus, bytes, encoding, misbehaviours } = pkg;
  return toJson({
    schema: 1,
    type: "package",
    client,
    ...field("sender", sender),
    recipients: answers.map(({ recipient, response }, index) => ({
      index,
      ...field("recipient", recipient),
      status: response.status,
      ...field("text", response.text),
    })),
    surplusRecipients: surplus,
    bytes,
    encoding,
    faults: misbehaviours,
  });
}
