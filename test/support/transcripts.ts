/** The lines of a transcript without their times, which must be there and must never go back. */
export function untimed(transcript: string): string[] {
  let last = 0;
  return transcript.split("\n").map((line) => {
    if (line === "") return line;
    const [, time = "", rest = ""] = /^\+(\d+\.\d) ms (.*)$/.exec(line) ?? [];
    if (time === "" || Number(time) < last)
      throw new Error(`a line without a time, or an earlier one: ${line}`);
    last = Number(time);
    return rest;
  });
}
