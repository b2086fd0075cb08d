import { MuldeError } from "@mulde/errors";
import { builtIns } from "./built-in.js";
import type { ModelDefinition } from "./definition.js";
import { SIMILARITIES } from "./similarity.js";

const registry = new Map(builtIns.map((definition) => [definition.name, definition]));

/** Names go into config.json and onto command lines. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/**
 * Registers a scoring function of your own under its name, so that saved models of it load again. Defining a name of yours
 * anew replaces it.
 *
 * @returns The definition as it is registered.
 * @throws MuldeError MODELS_DEFINITION if a field is missing or wrong; MODELS_NAME_TAKEN if the name is a built-in's.
 */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  const { name, similarity, dimMultiple, maxDim, initialScale, tables, encode, fused } = definition;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw malformed(
      `The name of a model must be a letter followed by letters, digits, "_", "." or "-"; got "${name}".`,
    );
  }
  if (builtIns.some((builtIn) => builtIn.name.toLowerCase() === name.toLowerCase())) {
    throw new MuldeError("MODELS_NAME_TAKEN", `"${name}" is a built-in model; give yours another name.`);
  }
  if (!SIMILARITIES.includes(similarity)) {
    throw malformed(
      `The similarity of ${name} must be one of ${SIMILARITIES.join(", ")}; got "${String(similarity)}".`,
    );
  }
  if (![1, 2, 4].includes(dimMultiple)) {
    throw malformed(`dimMultiple of ${name} must be 1, 2 or 4; got ${String(dimMultiple)}.`);
  }
  if (maxDim !== undefined && !(Number.isInteger(maxDim) && maxDim >= 1)) {
    throw malformed(`maxDim of ${name} must be a whole number from 1, or left out; got ${String(maxDim)}.`);
  }
  if (initialScale !== undefined && !(initialScale > 0 && Number.isFinite(initialScale))) {
    throw malformed(`initialScale of ${name} must be a positive number, or left out; got ${String(initialScale)}.`);
  }
  if (typeof encode !== "function") throw malformed(`encode of ${name} must be a function (tf, inputs) => tensor.`);
  if (fused !== undefined)
    throw malformed(`${name} names a fused kernel, which only built-in models have; leave it out.`);
  if (typeof tables !== "object" || tables === null) throw malformed(`tables of ${name} must be an object.`);
  for (const [table, { rows, width, init }] of Object.entries(tables)) {
    if (!NAME.test(table)) throw malformed(`The table "${table}" of ${name} must have a name of letters and digits.`);
    if (rows !== undefined && rows !== "one") {
      throw malformed(`rows of the table "${table}" of ${name} must be "one", or left out; got "${String(rows)}".`);
    }
    if (typeof width !== "function")
      throw malformed(`width of the table "${table}" of ${name} must be a function of dim.`);
    if (init !== "normal" && init !== "uniform") {
      throw malformed(`init of the table "${table}" of ${name} must be "normal" or "uniform"; got "${String(init)}".`);
    }
  }
  const { components = 1 } = definition;
  if (![1, 2, 4].includes(components)) throw malformed(`components of ${name} must be 1, 2 or 4; got ${components}.`);
  const registered = Object.freeze({
    name,
    similarity,
    dimMultiple,
    components,
    ...(maxDim !== undefined && { maxDim }),
    ...(initialScale !== undefined && { initialScale }),
    tables: Object.freeze({ ...tables }),
    encode,
  });
  registry.set(name, registered);
  return registered;
}

/**
 * The definition of a built-in model, or of one that `defineModel` registered.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL, listing the known names.
 */
export function modelDefinition(name: string): ModelDefinition {
  const definition = registry.get(name);
  if (definition) return definition;
  throw new MuldeError(
    "MODELS_UNKNOWN_MODEL",
    `There is no model "${name}"; known are ${modelNames().join(", ")} (register your own with defineModel first).`,
  );
}

/** The names of all models, built-ins first. */
export function modelNames(): string[] {
  return [...registry.keys()];
}

function malformed(message: string): MuldeError {
  return new MuldeError("MODELS_DEFINITION", message);
}
