import { Command } from "commander";

declare module "commander" {
  interface Command {
    /** Command extends EventEmitter, which its types leave out. */
    emit(event: string | symbol, ...values: unknown[]): boolean;
  }
}

/** Replaces `--` while commander parses, so that an option's value can also be `--`. No argument contains NUL. */
const END_OF_OPTIONS = "\0--";

/**
 * A command that keeps the order of its options and operands, which commander does not: it emits an `operand` event
 * for each operand, between the events of its options. Commander parses up to an operand, and then again after it.
 */
export class OrderedCommand extends Command {
  override parseOptions(args: string[]): { operands: string[]; unknown: string[] } {
    const operands: string[] = [];
    const take = (operand: string) => {
      operands.push(operand);
      this.emit("operand", operand);
    };
    this.passThroughOptions();
    let rest = args.map((arg) => (arg === "--" ? END_OF_OPTIONS : arg));
    for (;;) {
      const parsed = super.parseOptions(rest);
      if (parsed.unknown.length > 0) return { operands, unknown: parsed.unknown.map(restored) };
      const [first] = parsed.operands;
      if (first === undefined || first === END_OF_OPTIONS) {
        for (const operand of parsed.operands.slice(1)) take(restored(operand));
        return { operands, unknown: [] };
      }
      take(first);
      // Without this, a long list of operands would be copied once for each of them.
      let at = 1;
      for (let next = parsed.operands[at]; isOperand(next); next = parsed.operands[++at]) take(next);
      rest = parsed.operands.slice(at);
    }
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return super.emit(event, ...values.map(restored));
  }
}

/** Whether this is an operand, if the argument before it is one. */
function isOperand(arg: string | undefined): arg is string {
  return arg !== undefined && arg !== END_OF_OPTIONS && (arg === "-" || !arg.startsWith("-"));
}

function restored<T>(arg: T): T | string {
  return arg === END_OF_OPTIONS ? "--" : arg;
}
