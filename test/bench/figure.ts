/** A row of the bench. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly aim: string;
  readonly met: boolean;
}

export function most(what: string, value: number, aim: number, unit = ""): Figure {
  return figure(what, value, aim, unit, value <= aim, "at most");
}

export function least(what: string, value: number, aim: number): Figure {
  return figure(what, value, aim, "", value >= aim, "at least");
}

function figure(what: string, value: number, aim: number, unit: string, met: boolean, word: string): Figure {
  return { what, measured: `${value.toFixed(2)} ${unit}`.trim(), aim: `${word} ${aim} ${unit}`.trim(), met };
}

/** Prints why rows are missing. */
export function leaveOut(what: string, why: string): void {
  console.log(`left out: ${what}: ${why}`);
}
