import { closest, type ErrorFields, MuldeError } from "@mulde/errors";
import type { z } from "zod";
import { formerOptions } from "./former-options.js";
import { expanded } from "./shorthand.js";

/**
 * Options with their defaults, shorthands written out.
 *
 * @param place - Where they stand, for errors: a file, and the path of a section in it.
 * @throws MuldeError TRAINER_OPTION with the path of the field, and what it must be
 */
export function parseOptions<T extends z.ZodType>(
  schema: T,
  input: unknown,
  place: Pick<ErrorFields, "file" | "path"> = {},
): z.output<T> {
  const written = expanded(input);
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  throw refusal(schema, result.error.issues[0]!, written, place);
}

/** Every option of a schema by its dotted name, such as "model.dim", in the schema's order. */
export function optionNames(schema: z.ZodType): string[] {
  return [...optionEntries(schema)].map(({ name }) => name);
}

/** One option of a schema. */
export interface OptionEntry {
  /** dotted, such as "model.dim" */
  readonly name: string;
  readonly schema: z.ZodType;
  readonly description: string;
  readonly default: unknown;
}

/** The options of a schema, nouns opened. */
export function* optionEntries(schema: z.ZodType, prefix = ""): Generator<OptionEntry> {
  const shape = shapeOf(schema);
  if (!shape) {
    const parsed = schema.safeParse(undefined);
    yield {
      name: prefix,
      schema,
      description: schema.description ?? "",
      default: parsed.success ? parsed.data : undefined,
    };
    return;
  }
  for (const [key, field] of Object.entries(shape))
    yield* optionEntries(field, prefix === "" ? key : `${prefix}.${key}`);
}

/** The fields of a noun, also of one behind a default. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = (schema as { def?: { type?: string; innerType?: z.ZodType } }).def;
  if (inner?.type === "prefault" && inner.innerType) return shapeOf(inner.innerType);
  return inner?.type === "object" ? (schema as z.ZodObject).shape : undefined;
}

function refusal(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  input: unknown,
  place: Pick<ErrorFields, "file" | "path">,
): MuldeError {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  const [unknown] = issue.code === "unrecognized_keys" ? issue.keys : [];
  const at = (fields: ErrorFields): ErrorFields => ({
    ...place,
    ...fields,
    path: [...(place.path ?? []), ...(fields.path ?? [])],
  });
  if (unknown !== undefined) {
    return new MuldeError("TRAINER_OPTION", unknownOption(schema, path, unknown), at({ path: [...path, unknown] }));
  }
  // What is wrong with a key stands one level deeper.
  const { message } = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
  const reason = issue.code === "custom" ? message : `${message}.`;
  return new MuldeError("TRAINER_OPTION", reason, at({ path, value: valueAt(input, path) }));
}

/** The value at a path, or undefined. */
function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inner, key) => (inner as Readonly<Record<string | number, unknown>> | undefined)?.[key], value);
}

function unknownOption(schema: z.ZodType, path: readonly (string | number)[], key: string): string {
  const dotted = [...path, key].join(".");
  const former = Object.hasOwn(formerOptions, key) ? formerOptions[key] : undefined;
  if (former !== undefined && path.length === 0) return `this option is called ${former} now.`;
  const names = optionNames(schema);
  const nouns = [...new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf(".")))))];
  // By the whole name, else by its last part alone: "learningRate" is under "optimizer".
  const last = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
  const near =
    names.find((name) => last(name) === key) ??
    former ??
    closest(dotted, [...names, ...nouns]) ??
    names.find((name) => last(name) === closest(key, names.map(last)));
  return near === undefined
    ? "there is no such option; see mulde options."
    : `there is no such option; did you mean ${near}?`;
}
