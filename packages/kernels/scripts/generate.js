// Writes src/_generated.ts: what TypeScript knows of the C++ sources.

/** An object literal of a list of [key, text] pairs, one a line. */
function literal(entries) {
  return `{\n${entries.map(([key, text]) => `  ${key}: ${text},\n`).join("")}}`;
}

/** The text of src/_generated.ts. */
export function generate({ abi, facts }) {
  const of = (subject) => facts.filter((fact) => fact.subject === subject);
  const numbers = (subject) => literal(of(subject).map(({ name, value }) => [name, String(value)]));
  const valueOf = (subject, name) => of(subject).find((fact) => fact.name === name).value;
  const tables = of("table").map(({ name }) => name);
  const encoders = of("encoder").map(({ name, value }, id) => {
    const reads = tables.filter((_, slot) => (value >> slot) & 1);
    const ball = valueOf("space", name) === 1;
    const shape = `id: ${id}, ball: ${ball}, group: ${valueOf("group", name)}, part: ${valueOf("part", name)}`;
    return [name, `{ ${shape}, tables: ${JSON.stringify(reads)} }`];
  });
  const signatures = of("signature").map(({ name, value }) => [of("kernel")[value].name, JSON.stringify(name)]);
  return `// Written by scripts/build-wasm.js from native/abi.h: do not edit.

/** A number made of all facts below: engines whose number is another have other kernels. */
export const abi = ${abi};

/** Sizes that TypeScript needs to know. */
export const constants = ${numbers("constant")} as const;

/** Numbers of the similarities. */
export const similarities = ${numbers("similarity")} as const;

/** Numbers of the losses over all entities. */
export const losses = ${numbers("loss")} as const;

/** What can be wrong with a call. */
export const faults = ${numbers("fault")} as const;

/** Kinds of arguments. */
export const kinds = ${numbers("kind")} as const;

/** Relation tables, in the order in which the encoders take them. */
export const relationTables = ${JSON.stringify(tables)} as const;

/**
 * Encoders: their number; whether their points lie in the ball; how many coordinates belong together, and how many of a relation go with each
 * such group; the relation tables that they read.
 */
export const encoders = ${literal(encoders)} as const;

/** Each kernel's arguments, in the kernels' order: names, with \`:f\`, \`:d\` or \`:i\` for arrays of float32, float64 or int32, and \`?\` where null will do. */
export const signatures = ${literal(signatures)} as const;
`;
}
