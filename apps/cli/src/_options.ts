import { closest, MuldeError } from "@mulde/errors";
import { distilSchema, expanded, formerOptions, merged, optionEntries, parseOptions } from "@mulde/mulde-trainer";
import { Option } from "commander";
import type { z } from "zod";
import type { MuldeCommand } from "./_command.js";
import { hasCode, UsageError } from "./_errors.js";
import { numberFrom } from "./_flags.js";
import { parseYaml } from "./_yaml.js";

/** A flag for one of the options that people turn most; `--set` gives the others. */
export interface OptionFlag {
  /** as commander reads it, such as "--dim <n>" */
  readonly flag: string;
  /** the option's dotted name */
  readonly option: string;
  /** a shorter text than the option's own */
  readonly help?: string;
}

/** An option as a command line gives it. */
export interface Assignment {
  /** what the user wrote, such as "--dim" or "--set optimizer.clipNorm" */
  readonly written: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Options that decide a model's shape, but for its name, whose flag differs. */
export const modelFlags: readonly OptionFlag[] = [
  { flag: "--dim <n>", option: "model.dim", help: "dimension of the embeddings" },
  { flag: "--curvature <name>", option: "model.curvature", help: "of hyperbolic models: shared, relation" },
];

/** Options of the training itself. */
export const trainingFlags: readonly OptionFlag[] = [
  { flag: "--epochs <n>", option: "epochs", help: "passes over the training triples" },
  { flag: "--batch-size <n>", option: "batchSize" },
  { flag: "--learning-rate <n>", option: "optimizer.learningRate", help: "highest learning rate" },
  {
    flag: "--loss <name>",
    option: "loss.name",
    help: "bce, crossEntropy, margin, 1vsAll, KvsAll, KvsAllSoftmax",
  },
  { flag: "--negatives <n>", option: "negatives.count" },
  { flag: "--seed <n>", option: "seed" },
];

const entries = new Map([...optionEntries(distilSchema)].map((entry) => [entry.name, entry]));

/** Adds flags for options, with the schema's defaults. */
export function addOptionFlags(command: MuldeCommand, flags: readonly OptionFlag[]): MuldeCommand {
  for (const { flag, option, help } of flags) {
    const { description, default: value } = entries.get(option)!;
    const added = new Option(flag, help ?? description).default(undefined, String(value));
    if (typeof value === "number") added.argParser(numberFrom);
    command.addOption(added);
  }
  return command;
}

/** Adds `--set`, and advice for flags that are options by now. */
export function addSet(command: MuldeCommand, schema: z.ZodType): MuldeCommand {
  command.explainUnknown((flag) => explainFlag(flag, command, schema));
  return command.addOption(
    new Option("--set <name=value>", 'any other option, as optimizer.clipNorm=1; see "mulde options"').argParser(
      (text: string, before: readonly Assignment[] | undefined) => [...(before ?? []), assignment(text)],
    ),
  );
}

/** What a parsed command line gives of a run's options: its flags, then those of `--set`, which win. */
export function assignments(
  flags: readonly OptionFlag[],
  given: Readonly<Record<string, unknown>>,
): readonly Assignment[] {
  const byFlag = flags.flatMap(({ flag, option }) => {
    const { long } = new Option(flag);
    const value = given[new Option(flag).attributeName()];
    return value === undefined ? [] : [{ written: long!, path: option.split("."), value }];
  });
  return [...byFlag, ...((given.set as readonly Assignment[] | undefined) ?? [])];
}

const deepest = 16;

/** The option that "optimizer.clipNorm=1" gives; its value is YAML. */
function assignment(text: string): Assignment {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError("write --set NAME=VALUE, such as --set optimizer.clipNorm=1.", `--set ${text}`);
  const name = text.slice(0, at);
  const written = `--set ${name}`;
  const path = name.split(".");
  // No option lies deeper than a few levels.
  if (path.length > deepest) throw new UsageError("there is no such option; see mulde options.", written);
  return { written, path, value: yamlValue(text.slice(at + 1), written) };
}

function yamlValue(text: string, written: string): unknown {
  try {
    return parseYaml(text).value;
  } catch (cause) {
    throw cause instanceof MuldeError ? new UsageError(cause.reason, written, cause) : cause;
  }
}

/**
 * The options of a run with their defaults.
 *
 * @throws UsageError naming the option as the user wrote it
 */
export function runOptions<T extends z.ZodType>(schema: T, given: readonly Assignment[]): z.output<T> {
  const input = given.reduce<unknown>((below, { path, value }) => merged(below, nested(path, value)), {});
  try {
    return parseOptions(schema, input);
  } catch (error) {
    throw asWritten(error, given);
  }
}

/** An error about an option as one about the command line. Other errors come back as they are. */
export function asWritten(error: unknown, given: readonly Assignment[]): unknown {
  if (!hasCode(error, "TRAINER_OPTION") || error.path.length === 0) return error;
  const path = error.path.map(String);
  const source = given.findLast((one) => gives(expanded(nested(one.path, one.value)), path));
  return new UsageError(error.reason, source ? place(source, path) : path.join("."), error);
}

/** Whether options have the one at a path, or a value in place of its noun. */
function gives(options: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined || typeof options !== "object" || options === null) return true;
  return Object.hasOwn(options, key) && gives((options as Readonly<Record<string, unknown>>)[key], rest);
}

/** The option as written; with the rest of the path where its value has parts of its own. */
function place({ written, path, value }: Assignment, at: readonly string[]): string {
  if (typeof value !== "object" || value === null) return written;
  return [written, ...at.slice(path.length)].join(".");
}

/** `value` under a path: (["a", "b"], 1) is `{ a: { b: 1 } }`. */
function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

/**
 * What to write in place of a flag that a command does not have: a former flag, an option without a flag of its own, or an option of `distil`.
 * Undefined for flags that resemble none of these, or one of the command's.
 */
function explainFlag(flag: string, command: MuldeCommand, schema: z.ZodType): UsageError | undefined {
  const [written = flag] = flag.split("=");
  if (!written.startsWith("--")) return undefined;
  const off = written.startsWith("--no-");
  const key = camel(written.slice(off ? "--no-".length : "--".length));
  const flags = command.options.map(({ long }) => long ?? "");
  const meant = namedBy(key, off) ?? (closest(written, flags) === undefined ? misspelt(key, off) : undefined);
  if (meant === undefined) return undefined;
  const { name, value } = meant;
  const known = [...optionEntries(schema)].some((entry) => entry.name === name || entry.name.startsWith(`${name}.`));
  const advice = known
    ? `write --set "${name}=${value}"; see mulde options ${name}.`
    : `${name} is an option of mulde distil.`;
  return new UsageError(`unknown option '${written}': ${advice}`);
}

interface Meant {
  readonly name: string;
  readonly value: string;
}

/** The option of a former flag, or of a flag that is named like an option. */
function namedBy(key: string, off: boolean): Meant | undefined {
  const value = off ? "false" : "VALUE";
  const former = Object.hasOwn(formerOptions, key) ? formerOptions[key] : undefined;
  if (former !== undefined) {
    const at = former.indexOf(": ");
    return at < 0 ? { name: former, value } : { name: former.slice(0, at), value: former.slice(at + 2) };
  }
  const names = [...entries.keys()];
  return names.some((name) => name === key || name.startsWith(`${key}.`)) ? { name: key, value } : undefined;
}

function misspelt(key: string, off: boolean): Meant | undefined {
  const near = closest(key, [...Object.keys(formerOptions), ...entries.keys()]);
  return near === undefined ? undefined : namedBy(near, off);
}

function camel(kebab: string): string {
  return kebab
    .split("-")
    .map((part, i) => (i === 0 ? part : part.slice(0, 1).toUpperCase() + part.slice(1)))
    .join("");
}
