import { Command, type Option } from "commander";
import type { UsageError } from "./_errors.js";

/** A command that throws its errors instead of ending the process, and whose help is short. */
export class MuldeCommand extends Command {
  #explain: ((flag: string) => UsageError | undefined) | undefined;

  constructor(name: string) {
    super(name);
    this.exitOverride()
      .configureOutput({ outputError: () => undefined })
      .configureHelp({ optionDescription: describedOption })
      .helpOption("-h, --help", "show this help");
  }

  /** Command lines to show at the end of the help. */
  examples(...lines: readonly string[]): this {
    const title = lines.length > 1 ? "Examples:" : "Example:";
    return this.addHelpText("after", ["", title, ...lines.map((line) => `  ${line}`)].join("\n"));
  }

  /** Asks `explain` about flags that the command does not have, before commander looks for a similar one. */
  explainUnknown(explain: (flag: string) => UsageError | undefined): this {
    this.#explain = explain;
    return this;
  }

  /** Commander's hook for flags that it does not know; not in its types. */
  unknownOption(flag: string): void {
    const error = this.#explain?.(flag);
    if (error) throw error;
    const base = Command.prototype as unknown as { unknownOption(flag: string): void };
    base.unknownOption.call(this, flag);
  }
}

/** An option's description with its choices and its default in brackets. */
function describedOption({ description, argChoices, defaultValue, defaultValueDescription }: Option): string {
  const shown = defaultValueDescription ?? (defaultValue === undefined ? undefined : String(defaultValue));
  const notes = [
    ...(argChoices ? [argChoices.join(", ")] : []),
    ...(shown === undefined || shown === "" ? [] : [`default: ${shown}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
}
