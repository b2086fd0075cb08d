import { createHash } from "node:crypto";
import type { AnswerIndex, TripleList } from "@mulde/datasets";
import { indexAnswers, withReciprocals } from "@mulde/datasets";
import { MuldeError } from "@mulde/errors";
import type { KnownAnswers } from "@mulde/eval";

/** How many entities or relations there are, and what errors call them; their ids do where there are no names. */
interface Vocabulary {
  readonly size: number;
  name?(id: number): string;
}

/** The splits to train and validate on; a `Dataset` of `@mulde/datasets` has more. */
export interface TrainingData {
  readonly entities: Vocabulary;
  readonly relations: Vocabulary;
  readonly train: TripleList;
  readonly valid: TripleList;
  /** Rankings leave out the known answers of the test split too, as everywhere in the field. */
  readonly test: TripleList;
  /** Identifies the data in a run's identity; a hash of the splits unless given. */
  readonly fingerprint?: string;
}

/** What steps read of the training split. */
export interface TrainingSplit {
  /** The known answers, indexed at first use. */
  answers(): AnswerIndex;
  /** 2n queries: each training triple in both directions. */
  readonly queries: TripleList;
}

/** Stands in for the training split where no option needs it. */
export const noTrainingSplit: TrainingSplit = {
  answers: () => refuse(),
  get queries(): TripleList {
    return refuse();
  },
};

function refuse(): never {
  throw new MuldeError(
    "TRAINER_DATA",
    "These options need the training split (rules, negatives.filter, a loss of all known answers, soft.queries, or " +
      "soft.candidates with refresh or known: false): pass prepareData(data) to the objective.",
  );
}

/** A data set as the loops read it. */
export interface PreparedData extends TrainingSplit {
  readonly entities: number;
  readonly relations: number;
  readonly valid: TripleList;
  readonly known: KnownAnswers;
  readonly names: Names;
  readonly fingerprint: string;
}

/** How messages call entities and relations. */
export interface Names {
  /** 2R */
  readonly relations: number;
  entity(id: number): string;
  /** @param id - 0..2R-1 */
  relation(id: number): string;
}

function namesOf({ entities, relations }: Pick<TrainingData, "entities" | "relations">): Names {
  const called = (vocabulary: Vocabulary, id: number): string =>
    id < vocabulary.size && vocabulary.name ? JSON.stringify(vocabulary.name(id)) : String(id);
  const R = relations.size;
  return {
    relations: 2 * R,
    entity: (id) => called(entities, id),
    relation: (id) => (id < R ? called(relations, id) : `${called(relations, id - R)} (reversed)`),
  };
}

const prepared = new WeakMap<TrainingData, PreparedData>();

/** Queries and filter of a data set, made once for it. @throws MuldeError TRAINER_DATA if there is nothing to train or validate on */
export function prepareData(data: TrainingData): PreparedData {
  const found = prepared.get(data);
  if (found) return found;
  for (const [split, name] of [
    ["train", "training"],
    ["valid", "validation"],
  ] as const) {
    if (data[split].length > 0) continue;
    throw new MuldeError("TRAINER_DATA", `The ${name} split is empty: split the triples first (splitTriples).`, {
      path: [split],
    });
  }
  const entities = data.entities.size;
  const relations = data.relations.size;
  let answers: AnswerIndex | undefined;
  let fingerprint = data.fingerprint;
  const result: PreparedData = {
    entities,
    relations,
    answers: () => (answers ??= indexAnswers(entities, relations, data.train)),
    queries: withReciprocals(data.train, relations),
    valid: data.valid,
    known: knownAnswers(data),
    names: namesOf(data),
    get fingerprint() {
      return (fingerprint ??= hashOf(data));
    },
  };
  prepared.set(data, result);
  return result;
}

const known = new WeakMap<TrainingData, AnswerIndex>();

/** The known answers of all splits, indexed once for a data set. */
export function knownAnswers(data: TrainingData): AnswerIndex {
  let answers = known.get(data);
  if (!answers) {
    answers = indexAnswers(data.entities.size, data.relations.size, data.train, data.valid, data.test);
    known.set(data, answers);
  }
  return answers;
}

function hashOf({ entities, relations, train, valid, test }: TrainingData): string {
  const hash = createHash("sha256").update(`${entities.size} ${relations.size}`);
  for (const { heads, relations: rows, tails, length } of [train, valid, test]) {
    hash.update(` ${length} `);
    for (const column of [heads, rows, tails])
      hash.update(new Uint8Array(column.buffer, column.byteOffset, 4 * length));
  }
  return hash.digest("hex");
}
