import { MuldeError } from "@mulde/errors";
import { checkColumns, checkIds } from "./_checks.js";
import type { Names } from "./names.js";
import type { TripleList } from "./types.js";

/** Names in the order of their ids: a list, or a vocabulary of `@mulde/datasets`. */
export type NameSource = readonly string[] | { readonly names: readonly string[] };

/** A fact by its names: head, relation, tail. */
export type NamedTriple = readonly [head: string, relation: string, tail: string];

/** Facts by ids, in columns, or by names. */
export type Facts = TripleList | readonly NamedTriple[];

/** The splits of a data set, in the order in which a fact is looked for. */
const splits = ["train", "valid", "test"] as const;

/** One of the splits of a data set. */
export type Split = (typeof splits)[number];

/** Facts that are known already: a `Dataset` of `@mulde/datasets`, or an object like it. */
export interface KnownFacts {
  /** the names of the facts' ids; without them, ids are the model's own */
  readonly entities?: NameSource;
  readonly relations?: NameSource;
  readonly train: Facts;
  readonly valid?: Facts;
  readonly test?: Facts;
}

/** The parts of a query that are given, as ids. */
export interface QueryIds {
  readonly head: number | undefined;
  readonly relation: number | undefined;
  readonly tail: number | undefined;
}

type Columns = readonly [split: Split, facts: TripleList];

/** Known facts in the ids of a model. */
export class FactIndex {
  readonly #columns: readonly Columns[];
  readonly #sizes: readonly number[];

  /**
   * @throws MuldeError MODELS_KNOWN if the facts are no data set, MODELS_FOREIGN_DATA if they have no name of the model's, MODELS_ID
   *   for an id that has no name
   */
  constructor(facts: KnownFacts, entities: Names, relations: Names) {
    const given = splits.filter((split) => facts[split] !== undefined);
    this.#sizes = sizesOf(facts);
    const translated = {
      entities: translation(facts.entities, entities, "entities"),
      relations: translation(facts.relations, relations, "relations"),
    };
    this.#columns = given.map((split): Columns => {
      const list = facts[split]!;
      return [split, isNamed(list) ? byName(list, entities, relations) : byId(list, split, translated)];
    });
  }

  /** Whether the facts have as many entries in each split as they had when the index was made. */
  isOf(facts: KnownFacts): boolean {
    return sizesOf(facts).every((size, i) => size === this.#sizes[i]);
  }

  /** Calls back for each known fact that agrees with what is given, in the order of the splits. */
  forEach(query: QueryIds, found: (head: number, relation: number, tail: number, split: Split) => void): void {
    const { head, relation, tail } = query;
    for (const [split, { heads, relations, tails, length }] of this.#columns) {
      for (let i = 0; i < length; i++) {
        if (head !== undefined && heads[i] !== head) continue;
        if (tail !== undefined && tails[i] !== tail) continue;
        if (relation !== undefined && relations[i] !== relation) continue;
        const fact = [heads[i]!, relations[i]!, tails[i]!] as const;
        // -1 stands for a name that the model lacks.
        if (fact.every((id) => id >= 0)) found(...fact, split);
      }
    }
  }
}

/** The model's id for each id of the facts, -1 where the model lacks the name; undefined where ids are the same. */
interface Translation {
  readonly ids: Int32Array | undefined;
  readonly size: number;
}

function translation(source: NameSource | undefined, names: Names, what: string): Translation {
  if (source === undefined) return { ids: undefined, size: names.size };
  const theirs: unknown = "names" in source ? source.names : source;
  if (!Array.isArray(theirs)) {
    throw new MuldeError("MODELS_KNOWN", "must be a list of names, or a vocabulary with one.", {
      path: ["known", what],
    });
  }
  const list = theirs as readonly string[];
  if (list.length === names.size && list.every((name, id) => name === names.names[id])) {
    return { ids: undefined, size: names.size };
  }
  const ids = Int32Array.from(list, (name) => (names.has(name) ? names.id(name) : -1));
  if (list.length > 0 && ids.every((id) => id < 0)) {
    throw new MuldeError(
      "MODELS_FOREIGN_DATA",
      `The model knows none of these ${list.length} names (${JSON.stringify(list[0])} is one); give the data that it was trained on.`,
      { path: ["known", what] },
    );
  }
  return { ids, size: list.length };
}

function byId(
  facts: TripleList,
  split: Split,
  translated: { readonly entities: Translation; readonly relations: Translation },
): TripleList {
  const { heads, relations, tails } = facts;
  checkColumns({ heads, relations, tails });
  const map = (field: string, ids: Int32Array, { ids: to, size }: Translation): Int32Array => {
    checkIds(field, ids, size, `known.${split}`);
    return to ? ids.map((id) => to[id]!) : ids;
  };
  return {
    heads: map("head", heads, translated.entities),
    relations: map("relation", relations, translated.relations),
    tails: map("tail", tails, translated.entities),
    length: heads.length,
  };
}

function byName(facts: readonly NamedTriple[], entities: Names, relations: Names): TripleList {
  const column = (names: Names, at: 0 | 1 | 2): Int32Array =>
    Int32Array.from(facts, (fact) => (names.has(fact[at]) ? names.id(fact[at]) : -1));
  return {
    heads: column(entities, 0),
    relations: column(relations, 1),
    tails: column(entities, 2),
    length: facts.length,
  };
}

function isNamed(facts: Facts): facts is readonly NamedTriple[] {
  return Array.isArray(facts);
}

function sizesOf(facts: KnownFacts): number[] {
  return splits.map((split) => {
    const list: unknown = facts[split];
    if (list === undefined && split !== "train") return 0;
    if (typeof list === "object" && list !== null) {
      if (Array.isArray(list)) return list.length;
      if ("heads" in list && "relations" in list && "tails" in list) return (list as TripleList).heads.length;
    }
    throw new MuldeError(
      "MODELS_KNOWN",
      `must be a data set { entities, relations, train, valid?, test? }, but ${split} is neither columns of ids nor a list of [head, relation, tail].`,
      { path: ["known"] },
    );
  });
}
