import { Command, type ErrorOptions, type Option, type ParseOptionsResult } from "commander";
import type { UsageError } from "./_errors.js";

/** A command that throws its errors instead of ending the process, and whose help is short. */
export class MuldeCommand extends Command {
  #explain: ((flag: string) => UsageError | undefined) | undefined;
  #unknown: readonly string[] = [];

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

  /** Also keeps the flags that it does not know. */
  override parseOptions(argv: string[]): ParseOptionsResult {
    const parsed = super.parseOptions(argv);
    this.#unknown = parsed.unknown;
    return parsed;
  }

  /** Commander's message as a sentence that says where to look. */
  override error(message: string, options?: ErrorOptions): never {
    const [what = "", hint] = message.replace(/^error: /, "").split("\n");
    const guess = /^\(Did you mean (.*)\?\)$/.exec(hint ?? "")?.[1];
    const advice = guess === undefined ? `see ${this.#called()} --help.` : `did you mean ${guess}?`;
    return super.error(what.endsWith(".") ? what : `${what}; ${advice}`, options);
  }

  // The rest are hooks of commander that are not in its types.

  unknownOption(flag: string): void {
    const error = this.#explain?.(flag);
    if (error) throw error;
    hooks.unknownOption.call(this, flag);
  }

  /** Reports a flag that is misspelt before the one that is then missing. */
  _checkForMissingMandatoryOptions(): void {
    const [flag] = this.#unknown;
    if (flag !== undefined) this.unknownOption(flag);
    hooks._checkForMissingMandatoryOptions.call(this);
  }

  _excessArguments(given: readonly string[]): void {
    const odd = given[this.registeredArguments.length];
    this.error(`nothing takes the argument '${odd ?? ""}'`, { code: "commander.excessArguments" });
  }

  _dispatchHelpCommand(name: string | undefined): void {
    if (name !== undefined && !this.commands.some((command) => command.name() === name)) {
      this.args = [name];
      hooks.unknownCommand.call(this);
    }
    hooks._dispatchHelpCommand.call(this, name);
  }

  /** The command as one calls it: "mulde datasets info". */
  #called(): string {
    const names = [this.name()];
    for (let above = this.parent; above; above = above.parent) names.unshift(above.name());
    return names.join(" ");
  }
}

const hooks = Command.prototype as unknown as {
  unknownOption(flag: string): void;
  unknownCommand(): void;
  _checkForMissingMandatoryOptions(): void;
  _dispatchHelpCommand(name: string | undefined): void;
};

/** An option's description with its choices and its default in brackets. */
function describedOption({ description, argChoices, defaultValue, defaultValueDescription }: Option): string {
  const shown = defaultValueDescription ?? (defaultValue === undefined ? undefined : String(defaultValue));
  const notes = [
    ...(argChoices ? [argChoices.join(", ")] : []),
    ...(shown === undefined || shown === "" ? [] : [`default: ${shown}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
}
