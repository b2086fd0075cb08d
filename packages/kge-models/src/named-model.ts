import { closest, MuldeError } from "@mulde/errors";
import type { Kernels } from "@mulde/kernels";
import type { DataIdentity } from "./_foreign-data.js";
import { FactIndex, type KnownFacts, type NamedTriple, type Split } from "./_known-facts.js";
import { bestTriples } from "./_predict.js";
import { checkNames } from "./files/_vocabulary.js";
import { folderOf, type ModelSource } from "./files/_source.js";
import type { ModelInfo } from "./files/_model-files.js";
import { loadFrom } from "./files/load.js";
import type { KgeModel } from "./model.js";
import { Names } from "./names.js";

/** What `predict` is asked: two parts of a triple, or one entity. */
export interface PredictQuery {
  readonly head?: string | undefined;
  readonly relation?: string | undefined;
  readonly tail?: string | undefined;
}

/** How `predict` answers. */
export interface PredictOptions {
  /** how many answers; 10 unless given */
  readonly top?: number | undefined;
  /** facts that are left out of the answers; as `{ data, mark: true }`, they stay and are marked */
  readonly known?: KnownFacts | { readonly data: KnownFacts; readonly mark?: boolean } | undefined;
}

/** One answer of `predict`. */
export interface Prediction {
  readonly head: string;
  readonly relation: string;
  readonly tail: string;
  /** greater is more plausible */
  readonly score: number;
  /** where known facts are marked: the split that holds this one, or false */
  readonly known?: Split | false;
}

/** What `openModel` may be told. */
export interface OpenModelOptions {
  /** a data set whose ids must be the model's, such as one of `@mulde/datasets` */
  readonly data?: DataIdentity | undefined;
  /** how errors about `data` call the model; "The model" unless given */
  readonly what?: string | undefined;
  /** the kernels that score; shared ones unless given */
  readonly kernels?: Kernels | undefined;
}

/**
 * Opens a saved model, to use it by names: from its directory, over HTTP, or from the bytes of its files. If the model is your own, call
 * `defineModel` first.
 *
 * @throws MuldeError MODELS_FOREIGN_DATA if the ids of `options.data` are not the model's, and what `loadModel` throws
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<NamedModel> {
  const { data, what = "The model", kernels } = options;
  const folder = await folderOf(source);
  const saved = await loadFrom(folder, kernels);
  try {
    if (data) {
      const { checkData } = await import("./_foreign-data.js");
      checkData(folder.name, saved, data, what);
    }
    return new NamedModel(saved.model, saved);
  } catch (error) {
    saved.model.dispose();
    throw error;
  }
}

/** A model that is asked, and answers, by names. `model` is the same by ids. */
export class NamedModel {
  readonly model: KgeModel;
  /** the N entities */
  readonly entities: Names;
  /** the R relations */
  readonly relations: Names;
  /** the data set that the model was trained on */
  readonly dataset: ModelInfo["dataset"];
  /** how the model was trained */
  readonly training: ModelInfo["training"];
  readonly #known = new WeakMap<KnownFacts, FactIndex>();

  /**
   * Gives a model its names: one that was trained just now, say. `openModel` does it for a saved one.
   *
   * @throws MuldeError MODELS_NAMES if there are more or fewer names than the model has entities or relations
   */
  constructor(model: KgeModel, info: ModelInfo) {
    checkNames(info.entities, "entities", model.entities);
    checkNames(info.relations, "relations", model.relations);
    this.model = model;
    this.entities = new Names(info.entities, "entity");
    this.relations = new Names(info.relations, "relation");
    this.dataset = info.dataset;
    this.training = info.training;
  }

  /**
   * The most plausible triples that agree with a query, best first:
   *
   * - `{ head, relation }`: the best tails; `{ relation, tail }`: the best heads;
   * - `{ head, tail }`: the best relations between the two;
   * - `{ head }` or `{ tail }`: the best triples of the entity, over all relations.
   *
   * Most models are trained to compare the answers of one query, so compare scores of different relations with care.
   *
   * @throws MuldeError MODELS_QUERY for a query of other parts or an unknown option, MODELS_UNKNOWN_NAME for a name that the model lacks,
   *   with the name that may be meant, MODELS_KNOWN or MODELS_FOREIGN_DATA for known facts that cannot be used
   */
  predict(query: PredictQuery, options: PredictOptions = {}): Prediction[] {
    checkFields("query", query, ["head", "relation", "tail"]);
    checkFields("options", options, ["top", "known"]);
    const { head, relation, tail } = query;
    const given = [head, relation, tail].filter((name) => name !== undefined).length;
    if (given === 3) {
      throw new MuldeError(
        "MODELS_QUERY",
        "The query gives a whole triple; use score([[head, relation, tail]]) for it.",
      );
    }
    if (given === 0 || (given === 1 && relation !== undefined)) {
      throw new MuldeError(
        "MODELS_QUERY",
        "The query must give head and relation, relation and tail, head and tail, or one entity as head or tail.",
      );
    }
    const { top = 10 } = options;
    if (!(Number.isInteger(top) && top >= 1)) {
      throw new MuldeError(
        "MODELS_QUERY",
        `must be a whole number from 1, but is ${typeof top === "number" ? String(top) : JSON.stringify(top)}.`,
        {
          path: ["top"],
          value: top,
        },
      );
    }
    const ids = {
      head: head === undefined ? undefined : this.#id("head", head, []),
      relation: relation === undefined ? undefined : this.#id("relation", relation, []),
      tail: tail === undefined ? undefined : this.#id("tail", tail, []),
    };
    const known = this.#knownOf(options.known);
    return bestTriples(this.model, ids, top, known).map((triple): Prediction => ({
      head: this.entities.name(triple.head),
      relation: this.relations.name(triple.relation),
      tail: this.entities.name(triple.tail),
      score: triple.score,
      ...(known?.mark && { known: triple.known }),
    }));
  }

  /**
   * One score for each triple [head, relation, tail] of names; greater is more plausible.
   *
   * @throws MuldeError MODELS_QUERY if something is no such triple, MODELS_UNKNOWN_NAME for a name that the model lacks; the path is the
   *   triple's position and the part
   */
  score(triples: readonly NamedTriple[]): number[] {
    if (!isList(triples)) {
      throw new MuldeError("MODELS_QUERY", "must be a list of [head, relation, tail].", { path: ["triples"] });
    }
    const n = triples.length;
    const columns = { heads: new Int32Array(n), relations: new Int32Array(n), tails: new Int32Array(n), length: n };
    triples.forEach((triple: unknown, i) => {
      if (!Array.isArray(triple) || triple.length !== 3) {
        throw new MuldeError("MODELS_QUERY", "must be [head, relation, tail].", { path: [i], value: triple });
      }
      const [head, relation, tail] = triple as unknown as NamedTriple;
      columns.heads[i] = this.#id("head", head, [i]);
      columns.relations[i] = this.#id("relation", relation, [i]);
      columns.tails[i] = this.#id("tail", tail, [i]);
    });
    return [...this.model.score(columns)];
  }

  /** Writes the model directory that `openModel` opens; throws what `saveModel` throws. */
  async save(directory: string): Promise<void> {
    const { model, dataset, training } = this;
    // Apart, so that a page does not load it.
    const { saveModel } = await import("./files/save.js");
    await saveModel(model, directory, {
      entities: this.entities.names,
      relations: this.relations.names,
      ...(dataset && { dataset }),
      ...(training && { training }),
    });
  }

  /** Gives the model's memory back: `model.dispose()`. */
  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #id(part: "head" | "relation" | "tail", name: unknown, path: readonly (string | number)[]): number {
    const place = { path: [...path, part] };
    if (typeof name !== "string") {
      throw new MuldeError(
        "MODELS_QUERY",
        `must be a name, but is ${name === null ? "null" : `a ${typeof name}`}.`,
        place,
      );
    }
    const [names, others] = part === "relation" ? [this.relations, this.entities] : [this.entities, this.relations];
    if (!names.has(name) && others.has(name)) {
      const [kind, other] = part === "relation" ? ["relation", "an entity"] : ["entity", "a relation"];
      throw new MuldeError(
        "MODELS_UNKNOWN_NAME",
        `The model has no ${kind} ${JSON.stringify(name)}, but ${other} of this name; check the order.`,
        { ...place, value: name },
      );
    }
    try {
      return names.id(name);
    } catch (error) {
      throw error instanceof MuldeError ? error.at(place) : error;
    }
  }

  #knownOf(known: PredictOptions["known"]): { facts: FactIndex; mark: boolean } | undefined {
    if (known === undefined) return undefined;
    const { data, mark = false } = isObject(known) && "data" in known ? known : { data: known };
    if (!isObject(data)) {
      throw new MuldeError("MODELS_KNOWN", "must be a data set, or { data, mark } with one.", { path: ["known"] });
    }
    let facts = this.#known.get(data);
    if (!facts?.isOf(data)) {
      facts = new FactIndex(data, this.entities, this.relations);
      this.#known.set(data, facts);
    }
    return { facts, mark };
  }
}

function checkFields(what: "query" | "options", given: object, fields: readonly string[]): void {
  if (!isObject(given)) {
    throw new MuldeError("MODELS_QUERY", `must be an object with ${fields.join(", ")}.`, {
      path: [what],
      value: given,
    });
  }
  const odd = Object.keys(given).find((field) => !fields.includes(field));
  if (odd === undefined) return;
  const near = closest(odd, fields);
  const hint = near === undefined ? `it has ${fields.join(", ")}.` : `did you mean ${near}?`;
  throw new MuldeError("MODELS_QUERY", `There is no ${odd} in the ${what} of predict; ${hint}`, { path: [odd] });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether this is an array; keeps the type that the compiler knows. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}
