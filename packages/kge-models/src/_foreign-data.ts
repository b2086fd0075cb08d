import { MuldeError } from "@mulde/errors";
import type { SavedModel } from "./files/_model-files.js";

/** A data set, as far as its identity goes: a `Dataset` of `@mulde/datasets` is one. */
export interface DataIdentity {
  readonly name: string;
  readonly fingerprint: string;
  readonly entities: { readonly names: readonly string[] };
  readonly relations: { readonly names: readonly string[] };
}

// Enough of a fingerprint for people to tell two apart.
const SHOWN = 12;

/**
 * Refuses a data set whose ids are not the model's.
 *
 * @throws MuldeError MODELS_FOREIGN_DATA naming both
 */
export function checkData(where: string, saved: SavedModel, data: DataIdentity, what: string): void {
  const { dataset } = saved;
  const refuse = (reason: string): MuldeError =>
    new MuldeError("MODELS_FOREIGN_DATA", `${what} ${where} ${reason}; use the data set that it was trained on.`, {
      value: data.name,
    });
  if (!isIdentity(data)) throw refuse("cannot be compared with data that have no fingerprint and names");
  if (dataset !== undefined && dataset.fingerprint !== data.fingerprint) {
    const [theirs, ours] = [dataset.fingerprint, data.fingerprint].map((print) => print.slice(0, SHOWN));
    throw refuse(
      `was trained on ${dataset.name} (fingerprint ${theirs}), but the data given is ${data.name} (fingerprint ${ours})`,
    );
  }
  const sizes = [saved.entities, saved.relations, data.entities.names, data.relations.names].map(
    ({ length }) => length,
  );
  if (sizes[0] !== sizes[2] || sizes[1] !== sizes[3]) {
    throw refuse(
      `has ${sizes[0]} entities and ${sizes[1]} relations, but ${data.name} has ${sizes[2]} and ${sizes[3]}`,
    );
  }
  // A model that was saved without a fingerprint has its names still.
  if (dataset !== undefined) return;
  for (const kind of ["entities", "relations"] as const) {
    const { names } = data[kind];
    const odd = saved[kind].find((name, id) => name !== names[id]);
    if (odd !== undefined) throw refuse(`has ${JSON.stringify(odd)} where ${data.name} has another name`);
  }
}

/** Callers without a compiler pass anything. */
function isIdentity(data: unknown): boolean {
  const { fingerprint, entities, relations } = (data ?? {}) as Partial<DataIdentity>;
  return typeof fingerprint === "string" && Array.isArray(entities?.names) && Array.isArray(relations?.names);
}
