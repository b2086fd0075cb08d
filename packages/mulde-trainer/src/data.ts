import type { AnswerIndex, TripleList } from "@mulde/datasets";
import { indexAnswers, tripleList, withReciprocals } from "@mulde/datasets";
import type { KnownAnswers } from "@mulde/eval";
import { Random } from "@mulde/kernels";
import { MuldeError } from "@mulde/errors";

/** The splits to train and validate on; a `Dataset` of `@mulde/datasets` has more. */
export interface TrainingData {
  readonly entities: { readonly size: number };
  readonly relations: { readonly size: number };
  readonly train: TripleList;
  readonly valid: TripleList;
  /** Known answers of the test split are left out of rankings too, as everywhere in the field. */
  readonly test: TripleList;
}

/** The known answers of the training split, indexed at first use. */
export interface KnownTails {
  answers(): AnswerIndex;
}

/** What distillation may need of the training split; the queries are those of `prepareData`. */
export interface KnownTraining extends KnownTails {
  readonly queries?: TripleList;
}

/** Stands in for the training split's answers where no option needs them. */
export const unknownTails: KnownTails = {
  answers() {
    throw new MuldeError(
      "TRAINER_DATA",
      "KvsAll, KvsAllSoftmax, filterNegatives, headNegative, neighbourNegative, functional and filterCandidates need the training split's answers: pass prepareData(data) to the objective.",
    );
  },
};

/** A data set as the loops read it. */
export interface PreparedData extends KnownTails {
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
  let answers: AnswerIndex | undefined;
  const result: PreparedData = {
    entities,
    relations,
    answers: () => (answers ??= indexAnswers(entities, relations, data.train)),
    queries: withReciprocals(data.train, relations),
    valid: data.valid,
    known: indexAnswers(entities, relations, data.train, data.valid, data.test),
  };
  prepared.set(data, result);
  return result;
}

/** The distinct queries (h, r, ?) of a list, each with the first of its answers: what an epoch of `KvsAll` and `KvsAllSoftmax` goes over. */
export function distinctQueries({ heads, relations, tails, length }: TripleList, numRelations: number): TripleList {
  const seen = new Set<number>();
  const kept: number[] = [];
  for (let i = 0; i < length; i++) {
    const query = heads[i]! * 2 * numRelations + relations[i]!;
    if (seen.has(query)) continue;
    seen.add(query);
    kept.push(i);
  }
  const pick = (column: Int32Array): Int32Array => Int32Array.from(kept, (i) => column[i]!);
  return tripleList(pick(heads), pick(relations), pick(tails));
}

/**
 * For each relation, the part of its triples' queries that ask for the head (Wang et al., AAAI 2014): tails per head over tails per head and
 * heads per tail together, so that the side with many answers is kept and false negatives are rarer.
 */
export function headQueryRates({ relations, queries, answers }: PreparedData): Float64Array {
  const index = answers();
  const { heads, relations: rows } = queries;
  // Of a query's answers each query counts 1 / their number, so that these sums are the numbers of distinct queries.
  const distinct = new Float64Array(2 * relations);
  for (let i = 0; i < queries.length; i++) {
    distinct[rows[i]!]! += 1 / index.answers(heads[i]!, rows[i]!).length;
  }
  // tph = n / distinct (h, r), hpt = n / distinct (t, r + R)
  return Float64Array.from({ length: relations }, (_, r) => {
    const [byHead, byTail] = [distinct[r]!, distinct[r + relations]!];
    return byHead + byTail > 0 ? byTail / (byHead + byTail) : 0.5;
  });
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

/** Queries, and others behind them. */
export function joined(a: Queries, b: Queries): Queries {
  const both = (x: Int32Array, y: Int32Array): Int32Array => {
    const out = new Int32Array(x.length + y.length);
    out.set(x);
    out.set(y, x.length);
    return out;
  };
  return { heads: both(a.heads, b.heads), relations: both(a.relations, b.relations) };
}

type Queries = Pick<Batch, "heads" | "relations">;

/** Cuts each epoch's own permutation of the queries into batches; any batch can be made without those before it. */
export class Batches {
  readonly stepsPerEpoch: number;
  readonly #order: Int32Array;
  readonly #rates: Float64Array | undefined;
  #epoch = -1;

  /**
   * @param rates - with it, each query's direction is drawn: R probabilities of asking for the head. The queries must then be n triples
   *   with their n reciprocals behind them.
   */
  constructor(
    readonly queries: TripleList,
    readonly batchSize: number,
    readonly seed: number,
    rates?: Float64Array,
  ) {
    this.stepsPerEpoch = Math.ceil(queries.length / batchSize);
    this.#order = new Int32Array(queries.length);
    this.#rates = rates;
  }

  at(step: number): Batch {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      for (let i = 0; i < this.#order.length; i++) this.#order[i] = i;
      const random = new Random(seedOf(this.seed, epoch));
      random.shuffle(this.#order);
      if (this.#rates) this.#drawDirections(this.#rates, random);
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

  #drawDirections(rates: Float64Array, random: Random): void {
    const n = this.queries.length / 2;
    for (let k = 0; k < this.#order.length; k++) {
      const triple = this.#order[k]! % n;
      this.#order[k] = random.uniform() < rates[this.queries.relations[triple]!]! ? triple + n : triple;
    }
  }
}

/** A seed for one of several independent uses of a run's seed. */
export function seedOf(seed: number, use: number): number {
  // The product must stay below 2^53 to be exact, so greater seeds are mixed down to 32 bits first.
  const short = seed < 2 ** 32 ? seed : new Random(seed).uint32();
  return new Random(short * 1_000_003 + use).uint32();
}
