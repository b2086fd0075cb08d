import { closest, described, type ErrorFields, MuldeError } from "@mulde/errors";
import type { z } from "zod";
import { formerOptions } from "./former-options.js";
import { expanded } from "./shorthand.js";

/**
 * Options with their defaults, shorthands written out.
 *
 * @param place - Where they stand, for errors: a file, and the path of a section in it.
 * @throws MuldeError TRAINER_OPTION with the path of the field, and what it must be
 */
export function parseOptions<T extends z.ZodType>(schema: T, input: unknown, place: Place = {}): z.output<T> {
  if (isDeep(input))
    throw new MuldeError("TRAINER_OPTION", "options are not nested so deep; see mulde options.", place);
  const written = expanded(input);
  const hidden = hiddenKey(written);
  if (hidden)
    throw new MuldeError("TRAINER_OPTION", "there is no such option; see mulde options.", placed(place, hidden));
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  throw refusal(schema, result.error.issues[0]!, written, place);
}

type Place = Pick<ErrorFields, "file" | "path">;

/** The place of a field in what stands at a place. */
function placed(place: Place, path: readonly (string | number)[]): Place {
  return { ...place, path: [...(place.path ?? []), ...path] };
}

// Options go four levels deep. What is deeper by far, or contains itself, would overflow the stack.
const deepest = 64;

function isDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > deepest || Object.values(value).some((inner) => isDeep(inner, depth + 1));
}

/** Where a key "__proto__" stands, which records do not check. */
function hiddenKey(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, "__proto__")) return ["__proto__"];
  for (const [key, inner] of Object.entries(value)) {
    const found = hiddenKey(inner);
    if (found) return [key, ...found];
  }
  return undefined;
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

function refusal(schema: z.ZodType, issue: z.core.$ZodIssue, input: unknown, place: Place): MuldeError {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  const [unknown] = issue.code === "unrecognized_keys" ? issue.keys : [];
  if (unknown !== undefined) {
    const reason = unknownOption(schema, path, unknown);
    return new MuldeError("TRAINER_OPTION", reason, placed(place, [...path, unknown]));
  }
  // What is wrong with a key stands one level deeper.
  const { message } = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
  const value = valueAt(input, path);
  const reason =
    issue.code === "custom"
      ? message
      : issue.code === "invalid_type"
        ? wrongType(issue.expected, value)
        : `${message}.`;
  return new MuldeError("TRAINER_OPTION", reason, { ...placed(place, path), value });
}

function wrongType(expected: string, value: unknown): string {
  const wanted = kinds[expected] ?? `of the type ${expected}`;
  if (value === undefined) return `is missing; it must be ${wanted}.`;
  // Names and dates that look like numbers are what YAML takes for numbers.
  const fix = wanted === "text" && typeof value === "number" ? "; put it in quotes" : "";
  return `must be ${wanted}, but is ${described(value)}${fix}.`;
}

/** What users call the types that a schema asks for. */
const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

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
