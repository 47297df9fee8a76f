import { Command } from "commander";

declare module "commander" {
  interface Command {
    /** Command extends EventEmitter, which its type declarations omit. */
    emit(event: string | symbol, ...values: unknown[]): boolean;
  }
}

/** Replaces `--` while commander parses, so that an option's value can be `--`. No argument contains NUL. */
const END_OF_OPTIONS = "\0--";

/**
 * A command that preserves the order of options and operands, which commander does not: it emits an `operand` event
 * for each operand, between the events of the options. To do so, it runs commander's parser from one operand to the
 * next.
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
      if (parsed.unknown.length > 0) return { operands, unknown: parsed.unknown.map(restoreDashes) };
      const [first] = parsed.operands;
      if (first === undefined || first === END_OF_OPTIONS) {
        for (const operand of parsed.operands.slice(1)) take(restoreDashes(operand));
        return { operands, unknown: [] };
      }
      take(first);
      // Consecutive operands are taken at once: otherwise the rest of a long list would be copied for each of them.
      let at = 1;
      for (let next = parsed.operands[at]; isOperand(next); next = parsed.operands[++at]) take(next);
      rest = parsed.operands.slice(at);
    }
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    return super.emit(event, ...values.map(restoreDashes));
  }
}

/** Whether an argument that follows an operand is an operand. */
function isOperand(arg: string | undefined): arg is string {
  return arg !== undefined && arg !== END_OF_OPTIONS && (arg === "-" || !arg.startsWith("-"));
}

function restoreDashes<T>(arg: T): T | string {
  return arg === END_OF_OPTIONS ? "--" : arg;
}
