import { closest, MuldeError } from "@mulde/errors";
import { checkDefinition } from "./_check-definition.js";
import { builtIns } from "./built-in.js";
import type { ModelDefinition } from "./definition.js";

/** The definitions of your own. One map for the process: a module that `mulde --import` loads may get another copy of this package. */
function own(): Map<string, ModelDefinition> {
  const shared = globalThis as unknown as Record<symbol, Map<string, ModelDefinition> | undefined>;
  return (shared[Symbol.for("@mulde/kge-models: own models")] ??= new Map<string, ModelDefinition>());
}

function builtIn(name: string): ModelDefinition | undefined {
  return builtIns.find((definition) => definition.name === name);
}

/**
 * Registers a scoring function of your own under its name: models of it can then be created, trained, saved and loaded. If you
 * define a name of yours again, the new definition replaces the old one. `encode` runs for the first time when a model is
 * created, and its results are checked then; `checkModel` checks them, and the gradients, at once.
 *
 * @returns The definition as it is registered.
 * @throws MuldeError MODELS_DEFINITION if a field is missing, unknown or wrong, its path naming the field; MODELS_NAME_TAKEN if the
 *   name is a built-in model's.
 */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  checkDefinition(definition);
  const { name, similarity, dimMultiple, components = 1, maxDim, initialScale, tables, encode, fused } = definition;
  if (builtIns.some((builtIn) => builtIn.name.toLowerCase() === name.toLowerCase())) {
    throw new MuldeError("MODELS_NAME_TAKEN", `"${name}" is a built-in model; give yours another name.`, {
      path: ["name"],
      value: name,
    });
  }
  if (fused !== undefined) {
    throw new MuldeError("MODELS_DEFINITION", "Only built-in models have fused kernels; leave fused out.", {
      path: [name, "fused"],
      value: fused,
    });
  }
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
  own().set(name, registered);
  return registered;
}

/**
 * The definition of a built-in model, or of one that `defineModel` registered.
 *
 * @throws MuldeError MODELS_UNKNOWN_MODEL, listing the known names.
 */
export function modelDefinition(name: string): ModelDefinition {
  const definition = builtIn(name) ?? own().get(name);
  if (definition) return definition;
  const names = modelNames();
  const near = closest(name, names);
  throw new MuldeError(
    "MODELS_UNKNOWN_MODEL",
    `There is no model "${name}"; known are ${names.join(", ")}. ${near === undefined ? "" : `Did you mean ${near}? `}` +
      "A model of your own needs defineModel first (on the command line --import with the module that calls it).",
    { value: name },
  );
}

/** The names of all models: the built-in ones, then your own. */
export function modelNames(): string[] {
  return [...builtIns.map(({ name }) => name), ...own().keys()];
}

/** Whether this package brings the definition, so that its tests vouch for it. */
export function isBuiltIn(definition: ModelDefinition): boolean {
  return builtIn(definition.name) === definition;
}
