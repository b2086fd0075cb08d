import type { Kernels } from "@mulde/kernels";
import { CandidatePass, type KgeModel, type ModelGradients, type QueryLayer } from "@mulde/kge-models";
import { type Batch, joined, type KnownTails } from "./data.js";
import { DoubleNegatives } from "./double-negatives.js";
import { AllEntities, hardLoss } from "./facts.js";
import { NegativeSampler } from "./negatives.js";
import type { DistilOptions } from "./options.js";
import type { SoftLabel } from "./soft-label.js";
import type { UnseenQueries } from "./unseen-queries.js";

/** What both ways of putting hard and soft label together come to. */
export interface PassResult {
  readonly hard: number;
  readonly soft: number;
  readonly senior: number;
  readonly attention: readonly number[];
  readonly gradients: ModelGradients;
}

/** How many queries with a soft label alone go with B that have both: one at least, so that the last and smallest batch has some too. */
export function othersOf(B: number, ratio: number): number {
  return Math.ceil(B * ratio);
}

/** Queries that have a soft label alone. */
export interface SoftOnly {
  readonly queries: UnseenQueries;
  /** how many for each query that has both labels */
  readonly ratio: number;
  /** as wide as both labels of another query together */
  readonly label: SoftLabel;
}

/**
 * A hard label on sampled candidates: those of both labels are scored in one pass, side by side in a row. Rows of queries that have a soft
 * label alone stand below, and under them those of negatives alone.
 */
export class BesideSampled {
  readonly #kernels: Kernels;
  readonly #options: DistilOptions;
  readonly #soft: SoftLabel;
  readonly #softOnly: SoftOnly | undefined;
  readonly #sampler: NegativeSampler;
  readonly #double: DoubleNegatives;
  readonly #pass: CandidatePass;
  readonly #hardK: number;
  /** candidates of a row that the soft label has to itself */
  readonly #ownK: number;
  readonly #ids: Int32Array;
  readonly #hardScores: Float32Array;
  readonly #softScores: Float32Array;
  readonly #hardGradient: Float32Array;
  readonly #gradient: Float32Array;

  constructor(
    junior: KgeModel,
    options: DistilOptions,
    known: KnownTails,
    soft: SoftLabel,
    layer?: QueryLayer,
    softOnly?: SoftOnly,
  ) {
    const { kernels, entities } = junior;
    const { engine } = kernels;
    const { batchSize } = options;
    this.#kernels = kernels;
    this.#options = options;
    this.#soft = soft;
    this.#softOnly = softOnly;
    this.#hardK = 1 + options.negatives;
    this.#ownK = options.candidates === "sampled" ? 0 : soft.K;
    const K = this.#hardK + this.#ownK;
    this.#sampler = new NegativeSampler(kernels, entities, options, () => known.answers());
    this.#double = new DoubleNegatives(kernels, entities, options, K);
    const rows = batchSize + othersOf(batchSize, softOnly?.ratio ?? 0) + this.#double.rows(batchSize);
    this.#pass = new CandidatePass(junior, rows, K, layer);
    this.#ids = engine.int32(rows * K);
    this.#hardScores = engine.float32(batchSize * this.#hardK);
    this.#softScores = engine.float32(batchSize * soft.K);
    this.#hardGradient = engine.float32(batchSize * this.#hardK);
    this.#gradient = engine.float32(rows * K);
  }

  async step(batch: Batch): Promise<PassResult> {
    const B = batch.heads.length;
    const hardK = this.#hardK;
    const K = hardK + this.#ownK;
    const hardIds = this.#sampler.draw(batch);
    const softIds = await this.#soft.candidates(batch, hardIds);
    this.#toRows(B, this.#ids, hardIds, softIds);
    const { ratio = 0, label } = this.#softOnly ?? {};
    const others = this.#softOnly?.queries.draw(batch, othersOf(B, ratio));
    if (others) this.#ids.set(await label!.candidates(others), B * K);
    const labelled = others ? joined(batch, others) : batch;
    const double = this.#double.draw(batch);
    const from = labelled.heads.length * K;
    this.#ids.set(double.candidates, from);
    const all = joined(labelled, double);
    const scores = this.#pass.forward(all.heads, all.relations, this.#ids.subarray(0, all.heads.length * K));
    this.#fromRows(B, scores);
    const hard =
      hardLoss(this.#kernels, this.#options, B, hardK, this.#hardScores, this.#hardGradient) +
      this.#double.loss(B, scores.subarray(from), this.#gradient.subarray(from));
    // Before the others' step: the Senior is to learn from queries whose answer is known, and keeps the gradients of its last step.
    const unseen = others && label!.step(others, scores.subarray(B * K, from));
    if (unseen) this.#gradient.set(unseen.gradient, B * K);
    const { soft, senior, attention, gradient } = this.#soft.step(
      batch,
      this.#softScores.subarray(0, B * this.#soft.K),
    );
    const weights = await this.#soft.weights(batch);
    if (weights) {
      scaleRows(this.#hardGradient.subarray(0, B * hardK), weights.hard);
      scaleRows(gradient, weights.soft);
    }
    if (this.#ownK > 0) this.#toRows(B, this.#gradient, this.#hardGradient, gradient);
    else for (let i = 0; i < B * hardK; i++) this.#gradient[i] = this.#hardGradient[i]! + gradient[i]!;
    const gradients = this.#pass.backward(this.#gradient);
    return { hard, soft: soft + ratio * (unseen?.soft ?? 0), senior, attention, gradients };
  }

  dispose(): void {
    this.#pass.dispose();
    this.#sampler.dispose();
    this.#double.dispose();
    this.#softOnly?.label.dispose();
    const { engine } = this.#kernels;
    engine.free(this.#ids, this.#hardScores, this.#softScores, this.#hardGradient, this.#gradient);
  }

  /** Rows of both kinds side by side, or of the hard ones alone where the soft ones are the same. */
  #toRows<A extends Float32Array | Int32Array>(B: number, both: A, hard: A, soft: A): void {
    for (const [own, width, column] of this.#parts(hard, soft)) {
      this.#kernels.copyRows(
        B,
        width,
        this.#columns(own, width, 0),
        this.#columns(both, this.#hardK + this.#ownK, column),
      );
    }
  }

  #fromRows(B: number, both: Float32Array): void {
    const stride = this.#hardK + this.#ownK;
    for (const [own, width, column] of this.#parts(this.#hardScores, this.#softScores)) {
      this.#kernels.copyRows(B, width, this.#columns(both, stride, column), this.#columns(own, width, 0));
    }
    if (this.#ownK === 0) this.#softScores.set(this.#hardScores);
  }

  #parts<A>(hard: A, soft: A): (readonly [A, number, number])[] {
    const first = [hard, this.#hardK, 0] as const;
    return this.#ownK > 0 ? [first, [soft, this.#ownK, this.#hardK]] : [first];
  }

  #columns<A>(data: A, stride: number, column: number): { data: A; stride: number; column: number } {
    return { data, stride, column };
  }
}

/** A hard label over all entities, and the soft one on its candidates: two passes, whose gradients add up. */
export class BesideAllEntities {
  readonly #hard: AllEntities;
  readonly #soft: SoftLabel;
  readonly #pass: CandidatePass;
  readonly #model: KgeModel;

  constructor(junior: KgeModel, options: DistilOptions, known: KnownTails, soft: SoftLabel, layer?: QueryLayer) {
    this.#hard = new AllEntities(junior, options, known, layer);
    this.#soft = soft;
    this.#pass = new CandidatePass(junior, options.batchSize, soft.K);
    this.#model = junior;
  }

  async step(batch: Batch): Promise<PassResult> {
    const ids = await this.#soft.candidates(batch);
    const { loss: hard, gradients } = this.#hard.step(batch);
    const scores = this.#pass.forward(batch.heads, batch.relations, ids);
    const { soft, senior, attention, gradient } = this.#soft.step(batch, scores);
    for (const [name, { ids: rows, count, values }] of this.#pass.backward(gradient)) {
      const { width } = this.#model.table(name);
      const sum = gradients.get(name)!.values;
      for (let i = 0; i < count; i++) {
        const to = (rows === null ? i : rows[i]!) * width;
        for (let k = 0; k < width; k++) sum[to + k]! += values[i * width + k]!;
      }
    }
    return { hard, soft, senior, attention, gradients };
  }

  dispose(): void {
    this.#hard.dispose();
    this.#pass.dispose();
  }
}

/** Each query's part of a gradient, B x K, times its weight. */
function scaleRows(gradient: Float32Array, weights: Float32Array): void {
  const K = gradient.length / weights.length;
  for (let i = 0; i < gradient.length; i++) gradient[i]! *= weights[Math.floor(i / K)]!;
}
