import type { Received } from "../sink/conversation.ts";
import { field, toJson } from "./json.ts";
import { sanitise } from "./sanitise.ts";

/** A package that the sink answered, as one line: sender, recipients with their results, size, encoding. */
export function receivedLine({ sender, answers, surplus, bytes, encoding }: Received): string {
  const from = sender.length === 0 ? "<>" : sanitise(sender);
  const to = answers.map(({ recipient, response }) => `${sanitise(recipient)} ${response.status}`);
  if (surplus > 0) to.push(`${surplus} more failure`);
  return `${from} -> ${to.join(", ")}; ${bytes} bytes, ${encoding}`;
}

/** The same as one line of JSON. */
export function receivedJson({ sender, answers, surplus, bytes, encoding }: Received): string {
  return toJson({
    schema: 1,
    type: "package",
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
  });
}
