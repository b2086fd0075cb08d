import type { TripleList } from "@mulde/datasets";
import { tripleList } from "@mulde/datasets";
import { Random } from "@mulde/kernels";
import { streamSeed } from "../run/streams.js";
import type { Batch } from "../step/block.js";

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
      new Random(streamSeed(this.seed, epoch)).shuffle(this.#order);
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

/** The distinct queries (h, r, ?) of a list, each with the first of its answers: an epoch of `KvsAll` and `KvsAllSoftmax`. */
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
