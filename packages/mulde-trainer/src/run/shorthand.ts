/** What a noun may be written as instead of its fields: one value, which is the field named here. */
const shorthands = {
  model: { string: "name" },
  optimizer: { string: "name" },
  schedule: { string: "name" },
  loss: { string: "name" },
  regularizer: { string: "name" },
  negatives: { number: "count" },
  candidates: { string: "source", number: "k" },
} as const satisfies Readonly<Record<string, Partial<Record<"string" | "number", string>>>>;

type Shorthands = typeof shorthands;
type Short<K> = K extends keyof Shorthands
  ? | (Shorthands[K] extends { string: string } ? string : never)
    | (Shorthands[K] extends { number: string } ? number : never)
  : never;

/** Options as users may write them: `loss: "1vsAll"` for `loss: { name: "1vsAll" }`, `negatives: 63` for `negatives: { count: 63 }`. */
export type Written<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]: Written<T[K]> | Short<K> }
    : T;

/** Options with every shorthand written out. Values of other types stay as they are, for the schema to refuse. */
export function expanded(options: unknown): unknown {
  if (!isRecord(options)) return options;
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, expandedNoun(key, value)]));
}

/** Options with others on top: nouns merge field by field, any other value replaces the one below it. */
export function merged(below: unknown, above: unknown): unknown {
  const [base, top] = [expanded(below), expanded(above)];
  if (!isRecord(base) || !isRecord(top)) return top === undefined ? base : top;
  const keys = [...Object.keys(base), ...Object.keys(top).filter((key) => !Object.hasOwn(base, key))];
  return Object.fromEntries(keys.map((key) => [key, merged(own(base, key), own(top, key))]));
}

function expandedNoun(key: string, value: unknown): unknown {
  const short = (shorthands as Readonly<Record<string, Readonly<Record<string, string>>>>)[key]?.[typeof value];
  return short === undefined ? expanded(value) : { [short]: value };
}

/** The object's own value, so that names like "constructor" are not found in every object. */
function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
