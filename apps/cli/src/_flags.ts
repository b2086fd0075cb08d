import type { ReadOptions } from "@mulde/datasets";
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { UsageError } from "./_errors.js";

/** What of a field's JSON schema an option is made of. */
interface Field {
  readonly type: "number" | "integer" | "string" | "boolean";
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
}

/** What the schema of options cannot say. */
export interface SchemaFlags {
  /** Flags whose name is not the field's, by field. */
  readonly names?: Readonly<Record<string, string>>;
  /** Fields by the heading that they stand under in the help; the others under "Training:". */
  readonly headings?: Readonly<Record<string, readonly string[]>>;
  /** Values to choose from where the schema leaves them open, by field. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Adds an option for every field of a schema: the name in kebab case, description and default from the schema, the value checked
 * by it. A boolean that is true by default becomes `--no-...`.
 */
export function addSchemaOptions(command: Command, schema: z.ZodObject, flags: SchemaFlags = {}): Command {
  const { properties } = z.toJSONSchema(schema, { io: "input" }) as { properties: Record<string, Field> };
  const headings = Object.entries({ ...flags.headings, "Training:": Object.keys(properties) });
  const added = new Set<string>();
  for (const [heading, keys] of headings) {
    for (const key of keys) {
      if (added.has(key)) continue;
      added.add(key);
      const name = flags.names?.[key] ?? kebab(key);
      const choices = properties[key]!.enum ?? flags.choices?.[key];
      const option = schemaOption(name, properties[key]!, choices, schema.shape[key] as z.ZodType);
      command.addOption(option.helpGroup(heading));
    }
  }
  return command;
}

function schemaOption(name: string, field: Field, choices: readonly string[] | undefined, schema: z.ZodType): Option {
  const { type, description = "" } = field;
  if (type === "boolean") {
    return field.default === true
      ? new Option(`--no-${name}`, `off (it is on): ${description}`)
      : new Option(`--${name}`, description);
  }
  const option = new Option(`--${name} <${choices ? "name" : type}>`, description);
  // Five digits are enough for people; the value itself keeps all.
  if (typeof field.default === "number") option.default(field.default, String(Number(field.default.toPrecision(5))));
  else if (field.default !== undefined) option.default(field.default);
  return choices ? option.choices(choices) : option.argParser(checkedBy(schema, type));
}

/**
 * What a schema makes of the options of a parsed command line.
 *
 * @throws UsageError for options that do not go together; each alone was checked when it was parsed
 */
export function schemaOptions<T extends z.ZodObject>(
  options: Readonly<Record<string, unknown>>,
  schema: T,
  flags: SchemaFlags = {},
): z.output<T> {
  const nameOf = (key: string): string => flags.names?.[key] ?? key;
  const result = schema.safeParse(
    Object.fromEntries(Object.keys(schema.shape).map((key) => [key, options[nameOf(key)]])),
  );
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new UsageError(`option '--${kebab(nameOf(String(path[0])))}': ${message}.`);
}

/** `--data` with the two options that say how its text files are written. */
export function addDataOptions(
  command: Command,
  options: { readonly required: boolean; readonly use: string },
): Command {
  const data = new Option(
    "--data <name|path>",
    `${options.use}: a name of "mulde datasets list", a directory or an archive`,
  );
  return addReadOptions(command.addOption(data.makeOptionMandatory(options.required)));
}

/** The options of the readers of delimited text. */
export function addReadOptions(command: Command): Command {
  const orders = ["hrt", "htr", "rht", "rth", "thr", "trh"];
  return command
    .addOption(
      new Option("--columns <order>", "order of head, relation and tail in delimited text")
        .choices(orders)
        .default("hrt"),
    )
    .addOption(
      new Option("--delimiter <text>", "what stands between two fields; a tab unless given, in .csv files a comma"),
    );
}

/** `--json`, which every command has. */
export function addJsonOption(command: Command): Command {
  return command.option("--json", "print the result as JSON on stdout, and nothing else there");
}

/** The reading options of a parsed command line. */
export function readOptions(options: { readonly columns: string; readonly delimiter?: string }): ReadOptions {
  const { columns, delimiter } = options;
  return {
    columns: columns as NonNullable<ReadOptions["columns"]>,
    // Shells pass "\t" as two characters.
    ...(delimiter !== undefined && { delimiter: delimiter.replaceAll("\\t", "\t") }),
  };
}

/** A parser for an option's value: a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return checkedBy(z.number().int().min(least), "integer") as (text: string) => number;
}

/** A parser for an option's value that a schema checks. */
export function checkedBy(schema: z.ZodType, type: Field["type"]): (text: string) => unknown {
  return (text) => {
    const value = type === "string" ? text : text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(value)) throw new InvalidArgumentError("It must be a number.");
    const result = schema.safeParse(value);
    if (!result.success) throw new InvalidArgumentError(`${result.error.issues[0]!.message}.`);
    return result.data;
  };
}

function kebab(key: string): string {
  return key.replace(/[A-Z0-9]+/g, (part) => (/^[A-Z]/.test(part) ? `-${part.toLowerCase()}` : part));
}
