/** Ways in which the sink misbehaves on purpose, with what they do. */
export const FAULTS = {
  "close-before-response": "closes the connection instead of answering a package",
  "close-mid-response": "closes the connection in the middle of the last response to a package",
  "one-response": "answers once per package, however many recipients it has",
  "early-response": "answers once as soon as a package begins, and again when it ends",
  "extra-response": "answers once more than it owes",
  "bad-length": "puts a zero before the length of each response",
  "bad-status": "begins each response with X",
  drip: "sends its responses one byte at a time",
  stall: "reads packages and never answers",
  "close-mid-package": "closes the connection as soon as a package begins",
} as const;

export type Fault = keyof typeof FAULTS;

/** What is sent instead of the responses owed to one package. */
export function* misbehave(fault: Fault | undefined, responses: Iterable<Buffer>): Generator<Buffer, void> {
  if (fault === "close-before-response" || fault === "stall") return;
  let last: Buffer | undefined;
  for (const response of responses) {
    if (fault === "bad-length") yield Buffer.from("0");
    if (fault !== "close-mid-response") yield fault === "bad-status" ? withStatus("X", response) : response;
    else if (last !== undefined) yield last;
    last = response;
    if (fault === "one-response") return;
  }
  if (last === undefined) return;
  if (fault === "extra-response") yield last;
  if (fault === "close-mid-response") yield last.subarray(0, last.length >> 1);
}

/** Whether the connection is closed once a package was answered in this way. */
export function closesAfterPackage(fault: Fault | undefined): boolean {
  return fault === "close-before-response" || fault === "close-mid-response";
}

function withStatus(letter: string, response: Buffer): Buffer {
  const changed = Buffer.from(response);
  changed.write(letter, response.indexOf(":") + 1, "latin1");
  return changed;
}
