import type { ReadOptions } from "@mulde/datasets";
import { InvalidArgumentError, Option } from "commander";
import type { MuldeCommand } from "./_command.js";

/** The options of the readers of delimited text, of a parsed command line. */
export interface ReadFlags {
  readonly columns: string;
  readonly delimiter?: string;
}

/** `--data` with the two options that say how its text files are written. */
export function addDataOptions(
  command: MuldeCommand,
  { required = true, use = "data set" }: { readonly required?: boolean; readonly use?: string } = {},
): MuldeCommand {
  const data = new Option("--data <name|path>", `${use}: a name, a directory or an archive`);
  command.addOption(data.makeOptionMandatory(required));
  return addReadOptions(command);
}

/** The options of the readers of delimited text. */
export function addReadOptions(command: MuldeCommand): MuldeCommand {
  const columns = new Option("--columns <order>", "order of head, relation, tail in text files")
    .choices(["hrt", "htr", "rht", "rth", "thr", "trh"])
    .default("hrt");
  command.addOption(columns);
  return command.option("--delimiter <text>", "between fields; default: tab, in .csv files a comma", delimiterFrom);
}

/** `--json`, which every command has. */
export function addJsonOption(command: MuldeCommand): MuldeCommand {
  return command.option("--json", "print the result as JSON on stdout");
}

/** The reading options of a parsed command line. */
export function readOptions({ columns, delimiter }: ReadFlags): ReadOptions {
  return {
    columns: columns as NonNullable<ReadOptions["columns"]>,
    ...(delimiter !== undefined && { delimiter }),
  };
}

/** Parses the value of an option that names a file or directory. */
export function pathFrom(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty.");
  return text;
}

function delimiterFrom(text: string): string {
  if (text === "" || /[\r\n]/.test(text)) throw new InvalidArgumentError("It must have characters that end no line.");
  // Shells pass "\t" as two characters.
  return text.replaceAll("\\t", "\t");
}

/** Parses the value of an option that is a number. */
export function numberFrom(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** A parser for an option's value: a number from `least` on. */
export function numberAtLeast(least: number): (text: string) => number {
  return (text) => {
    const value = numberFrom(text);
    if (!(value >= least && value < Infinity)) throw new InvalidArgumentError(`It must be ${least} or more.`);
    return value;
  };
}

/** A parser for an option's value: a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = numberAtLeast(least)(text);
    if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
    return value;
  };
}
