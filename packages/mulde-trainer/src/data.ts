import type { TripleList } from "@mulde/datasets";
import { indexAnswers, withReciprocals } from "@mulde/datasets";
import type { KnownAnswers } from "@mulde/eval";
import { Random } from "@mulde/kernels";
import { MuldeError } from "./error.js";

/** The splits to train and validate on; a `Dataset` of `@mulde/datasets` has more. */
export interface TrainingData {
  readonly entities: { readonly size: number };
  readonly relations: { readonly size: number };
  readonly train: TripleList;
  readonly valid: TripleList;
  /** Known answers of the test split are left out of rankings too, as everywhere in the field. */
  readonly test: TripleList;
}

/** A data set as the loops read it. */
export interface PreparedData {
  readonly entities: number;
  readonly relations: number;
  /** 2n queries: each training triple in both directions */
  readonly queries: TripleList;
  readonly valid: TripleList;
  readonly known: KnownAnswers;
}

const prepared = new WeakMap<TrainingData, PreparedData>();

/** Queries and filter of a data set, made once for it. Throws TRAINER_DATA if there is nothing to train or validate on. */
export function prepareData(data: TrainingData): PreparedData {
  const found = prepared.get(data);
  if (found) return found;
  if (data.train.length === 0 || data.valid.length === 0) {
    throw new MuldeError(
      "TRAINER_DATA",
      `The ${data.train.length === 0 ? "training" : "validation"} split is empty: split the triples first (splitTriples).`,
    );
  }
  const entities = data.entities.size;
  const relations = data.relations.size;
  const result: PreparedData = {
    entities,
    relations,
    queries: withReciprocals(data.train, relations),
    valid: data.valid,
    known: indexAnswers(entities, relations, data.train, data.valid, data.test),
  };
  prepared.set(data, result);
  return result;
}

/** One step's queries. */
export interface Batch {
  /** epoch from 0 */
  readonly epoch: number;
  /** step from 0, over all epochs */
  readonly step: number;
  readonly heads: Int32Array;
  readonly relations: Int32Array;
  readonly tails: Int32Array;
}

/** Cuts each epoch's own permutation of the queries into batches; any batch can be made without those before it. */
export class Batches {
  readonly stepsPerEpoch: number;
  readonly #order: Int32Array;
  #epoch = -1;

  constructor(
    readonly queries: TripleList,
    readonly batchSize: number,
    readonly seed: number,
  ) {
    this.stepsPerEpoch = Math.ceil(queries.length / batchSize);
    this.#order = new Int32Array(queries.length);
  }

  at(step: number): Batch {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      for (let i = 0; i < this.#order.length; i++) this.#order[i] = i;
      new Random(seedOf(this.seed, epoch)).shuffle(this.#order);
      this.#epoch = epoch;
    }
    const begin = (step % this.stepsPerEpoch) * this.batchSize;
    const order = this.#order.subarray(begin, Math.min(begin + this.batchSize, this.#order.length));
    const { heads, relations, tails } = this.queries;
    return {
      epoch,
      step,
      heads: order.map((i) => heads[i]!),
      relations: order.map((i) => relations[i]!),
      tails: order.map((i) => tails[i]!),
    };
  }
}

/** A seed for one of several independent uses of a run's seed. */
export function seedOf(seed: number, use: number): number {
  // The product must stay below 2^53 to be exact, so greater seeds are mixed down to 32 bits first.
  const short = seed < 2 ** 32 ? seed : new Random(seed).uint32();
  return new Random(short * 1_000_003 + use).uint32();
}
