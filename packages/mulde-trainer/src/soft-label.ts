import type { AnswerIndex } from "@mulde/datasets";
import type { KgeModel } from "@mulde/kge-models";
import {
  collectScores,
  confidenceWeights,
  type LabelWeights,
  type Senior,
  seniorTeacher,
  type Teacher,
} from "@mulde/senior";
import { type Batch, type KnownTraining, seedOf } from "./data.js";
import { MuldeError } from "@mulde/errors";
import { WrongAnswers } from "./wrong-answers.js";
import type { DistilOptions } from "./options.js";
import { TopKMemory } from "./top-k-memory.js";
import { keepUnknown, widthForUnknown } from "./unknown-best.js";

// A random stream of a run (see `seedOf`).
const randomCandidatesStream = -2;

/** Losses of a batch and what the Junior learns from them. */
export interface SoftLabelResult {
  readonly soft: number;
  readonly senior: number;
  /** dL/ds, B x K, with lambda */
  readonly gradient: Float32Array;
  /** m: each teacher's attention weight, a mean over the batch */
  readonly attention: readonly number[];
}

/** The soft label: its candidates, the teachers' scores of them, and what the Senior makes of these. */
export class SoftLabel {
  /** K */
  readonly K: number;
  readonly #junior: KgeModel;
  readonly #teachers: readonly Teacher[];
  readonly #senior: Senior;
  readonly #options: DistilOptions;
  readonly #wrong: WrongAnswers | undefined;
  /** answers that are not to be candidates */
  readonly #known: AnswerIndex | undefined;
  readonly #ids: Int32Array;
  readonly #teacherScores: Float32Array;
  readonly #gradient: Float32Array;
  readonly #memory: TopKMemory | undefined;

  /** @param known - the training split's answers, and its queries where `refreshTopK` is to keep candidates of them */
  constructor(
    junior: KgeModel,
    teachers: readonly Teacher[],
    senior: Senior,
    options: DistilOptions,
    known: KnownTraining,
  ) {
    const { engine } = junior.kernels;
    const { candidates, topK, batchSize, negatives } = options;
    this.K =
      candidates === "sampled"
        ? 1 + negatives
        : candidates === "all"
          ? junior.entities
          : Math.min(topK, junior.entities);
    this.#junior = junior;
    this.#teachers = teachers;
    this.#senior = senior;
    this.#options = options;
    if (candidates === "junior" && options.refreshTopK > 1) {
      if (!known.queries) {
        throw new MuldeError(
          "TRAINER_DATA",
          "refreshTopK needs the training split: pass prepareData(data) to the objective.",
        );
      }
      const frozen = options.adaptFrom === 0 ? teachers.length : 0;
      this.#memory = new TopKMemory(known.queries, junior.relations, options.refreshTopK, this.K, frozen);
    }
    this.#known = options.filterCandidates ? known.answers() : undefined;
    this.#wrong = WrongAnswers.of(options, () => known.answers());
    this.#ids = engine.int32(batchSize * Math.max(this.K, 2));
    this.#teacherScores = engine.float32(teachers.length * batchSize * this.K);
    this.#gradient = engine.float32(batchSize * this.K);
    if (candidates === "all") for (let i = 0; i < batchSize * this.K; i++) this.#ids[i] = i % this.K;
  }

  /** What a checkpoint must hold for the run to go on as it would have. */
  state(): ReadonlyMap<string, Float32Array> {
    return this.#memory?.state() ?? new Map();
  }

  /** The candidates of each query, B x K, and on their way the teachers' scores. `sampled` are the hard label's. */
  async candidates(queries: Batch, sampled?: Int32Array): Promise<Int32Array> {
    const { tails, step } = queries;
    const { candidates, seed, batchSize } = this.#options;
    const { kernels, entities } = this.#junior;
    const { K } = this;
    const batch = tails.length;
    const chosen = this.#ids.subarray(0, batch * K);
    if (candidates === "random") {
      const counter = step * batchSize * K;
      const draw = { batch, negatives: K - 1, entities, seed: seedOf(seed, randomCandidatesStream), counter };
      kernels.sampleCandidates(draw, tails, this.#ids);
    } else if (candidates === "sampled") {
      chosen.set(sampled!);
    } else if (candidates === "junior") {
      this.#juniorsBest(queries, chosen);
    }
    if (this.#memory?.teachers) await this.#remembered(this.#memory, queries, chosen);
    else await this.#ask(queries, chosen, this.#answers(batch));
    return chosen;
  }

  /** What the Senior makes of the Junior's scores of the candidates that were chosen last. */
  step(batch: Batch, scores: Float32Array): SoftLabelResult {
    const { relations, tails, epoch } = batch;
    const { K } = this;
    const B = tails.length;
    const targets = new Int32Array(B);
    for (let b = 0; b < B; b++) targets[b] = this.#ids.subarray(b * K, (b + 1) * K).indexOf(tails[b]!);
    const gradient = this.#gradient.subarray(0, B * K);
    const m = this.#teachers.length;
    const weights = new Float32Array(B * m);
    const { softLoss, seniorLoss } = this.#senior.step({
      epoch,
      relations,
      teacherScores: this.#answers(B),
      juniorScores: scores,
      targets,
      softWeight: this.#options.softWeight,
      gradJunior: gradient,
      weights,
      B,
      K,
    });
    const attention = new Array<number>(m).fill(0);
    weights.forEach((weight, i) => (attention[i % m]! += weight / B));
    return { soft: softLoss, senior: seniorLoss, gradient, attention };
  }

  /**
   * DualDE's weights of the two labels of each query, or undefined where the options do not ask for them. They make 1 on average, so
   * that lambda keeps its meaning: soft is 2 p and hard 2 (1 - p).
   */
  async weights({ heads, relations, tails }: Batch): Promise<LabelWeights | undefined> {
    const { confidence: alpha } = this.#options;
    if (alpha === 0) return undefined;
    const B = heads.length;
    const scores = new Float32Array(B);
    // Without its normalization, which sees nothing in a single candidate.
    const merged = { teachers: this.#teachers.length, scales: (rows: Int32Array) => this.#senior.scales(rows) };
    await seniorTeacher(merged, this.#teachers).score(heads, relations, tails, scores);
    const weights = { soft: new Float32Array(B), hard: new Float32Array(B) };
    confidenceWeights(scores, { alpha, beta: 0 }, weights);
    for (const side of [weights.soft, weights.hard]) for (let b = 0; b < B; b++) side[b]! *= 2;
    return weights;
  }

  dispose(): void {
    this.#junior.kernels.engine.free(this.#ids, this.#teacherScores, this.#gradient);
  }

  /** Writes the Junior's K best of each query, what it remembers or what it finds. */
  #juniorsBest(queries: Batch, chosen: Int32Array): void {
    if (!this.#memory) return this.#lookUp(queries, chosen);
    const stale = at(queries, this.#memory.stale(queries));
    if (stale.heads.length > 0) {
      const found = chosen.subarray(0, stale.heads.length * this.K);
      this.#lookUp(stale, found);
      this.#memory.keep(stale, found);
    }
    this.#memory.recall(queries, chosen);
  }

  /** The teachers' scores of what is kept: asked for once, and then remembered. */
  async #remembered(memory: TopKMemory, queries: Batch, chosen: Int32Array): Promise<void> {
    const unasked = at(queries, memory.unscored(queries));
    const { length } = unasked.heads;
    if (length > 0) {
      const kept = chosen.subarray(0, length * this.K);
      const answers = this.#answers(length);
      memory.recall(unasked, kept);
      await this.#ask(unasked, kept, answers);
      memory.keepScores(unasked, answers);
      memory.recall(queries, chosen);
    }
    memory.recallScores(queries, this.#answers(queries.heads.length));
  }

  async #ask(
    queries: Pick<Batch, "heads" | "relations">,
    candidates: Int32Array,
    answers: Float32Array,
  ): Promise<void> {
    await collectScores(this.#teachers, queries.heads, queries.relations, candidates, answers);
    this.#wrong?.intoScores(queries, this.K, candidates, answers);
  }

  #lookUp(queries: Pick<Batch, "heads" | "relations">, chosen: Int32Array): void {
    const { K } = this;
    if (!this.#known) return this.#best(queries, K, chosen, false);
    const width = Math.min(widthForUnknown(queries, this.#known, K), this.#junior.entities);
    const best = new Int32Array(queries.heads.length * width);
    this.#best(queries, width, best, true);
    keepUnknown(queries, this.#known, best, K, chosen);
  }

  /** Writes the Junior's best of all entities, `width` for each query. */
  #best(
    { heads, relations }: Pick<Batch, "heads" | "relations">,
    width: number,
    best: Int32Array,
    sorted: boolean,
  ): void {
    const { kernels, inference, similarity } = this.#junior;
    kernels.topK(similarity, inference.encode(heads, relations), inference.points, width, best, null, sorted);
    // The kernel fills a row up with -1 where scores are NaN; no teacher can be asked for that entity.
    for (let end = width; end <= best.length; end += width) {
      if (best[end - 1] === -1) throw new MuldeError("SCORE_NOT_FINITE", "The Junior scores NaN: it diverged.");
    }
  }

  #answers(batch: number): Float32Array {
    return this.#teacherScores.subarray(0, this.#teachers.length * batch * this.K);
  }
}

/** The queries of a batch at some positions. */
function at(
  { epoch, heads, relations }: Batch,
  positions: readonly number[],
): Pick<Batch, "epoch" | "heads" | "relations"> {
  const pick = (column: Int32Array): Int32Array => Int32Array.from(positions, (b) => column[b]!);
  return { epoch, heads: pick(heads), relations: pick(relations) };
}
