/** The ways in which the sink can misbehave on purpose, and what the sink does in each. */
export const MISBEHAVIOURS = {
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

export type Misbehaviour = keyof typeof MISBEHAVIOURS;

/** What to send instead of the responses to a package. */
export function* misbehave(
  misbehaviour: Misbehaviour | undefined,
  responses: Iterable<Buffer>,
): Generator<Buffer, void> {
  if (misbehaviour === "close-before-response" || misbehaviour === "stall") return;
  let last: Buffer | undefined;
  for (const response of responses) {
    if (misbehaviour === "bad-length") yield Buffer.from("0");
    if (misbehaviour !== "close-mid-response")
      yield misbehaviour === "bad-status" ? withStatus("X", response) : response;
    else if (last !== undefined) yield last;
    last = response;
    if (misbehaviour === "one-response") return;
  }
  if (last === undefined) return;
  if (misbehaviour === "extra-response") yield last;
  if (misbehaviour === "close-mid-response") yield last.subarray(0, last.length >> 1);
}

/** Whether the connection is closed after the answer to a package. */
export function closesAfterPackage(misbehaviour: Misbehaviour | undefined): boolean {
  return misbehaviour === "close-before-response" || misbehaviour === "close-mid-response";
}

function withStatus(letter: string, response: Buffer): Buffer {
  const changed = Buffer.from(response);
  changed.write(letter, response.indexOf(":") + 1, "latin1");
  return changed;
}
