import type { Engine, KernelArgument } from "./engine.js";
import { MuldeError } from "@mulde/errors";
import { encoderNames, maxDim, need, needRows, packedLength, rowStride, similarityId } from "./shapes.js";
import type { EncoderName, Plan, PointTable, QueryBatch, Similarity } from "./shapes.js";

/** The parameters that an encoder reads. Relation tables are 2R x dim (CP: 2R x dim/2); an encoder needs some of them. */
export interface EncoderTables {
  readonly encoder: EncoderName;
  readonly dim: number;
  /** N x dim */
  readonly entity: Float32Array;
  readonly relation: Float32Array | null;
  readonly rotation: Float32Array | null;
  readonly reflection: Float32Array | null;
  readonly innerTranslation: Float32Array | null;
  readonly context: Float32Array | null;
  readonly diagonal: Float32Array | null;
}

/** Gradients of a batch by the rows that its queries read, each B x dim (CP: relation B x dim/2), or null where a table is not used. */
export interface EncoderGradients {
  readonly head: Float32Array;
  readonly relation: Float32Array | null;
  readonly rotation: Float32Array | null;
  readonly reflection: Float32Array | null;
  readonly innerTranslation: Float32Array | null;
  readonly context: Float32Array | null;
  readonly diagonal: Float32Array | null;
  /** dL/dc of each query, B, added to */
  readonly curvature: Float64Array;
}

/** An optimizer's view of a parameter table and its gradient. */
export interface Update {
  /** rows of the table */
  readonly rows: number;
  readonly dim: number;
  /** rows that the gradient holds, ascending, or null: all */
  readonly ids: Int32Array | null;
  /** how many of `ids` count */
  readonly count: number;
  /** leave the other rows alone instead of giving them a zero gradient */
  readonly sparse: boolean;
  /** count x dim, or rows x dim */
  readonly gradient: Float32Array;
  readonly parameters: Float32Array;
}

/** What the forward pass over a plan leaves for the backward pass, B x K each in the plan's order; the last two for `relationHyperbolic` only. */
export interface PairTerms {
  /** squared distances or inner products */
  readonly terms: Float32Array;
  /** <v, q - t v> */
  readonly along: Float32Array | null;
  /** t = tanh(sqrt(c) n) */
  readonly radii: Float32Array | null;
}

/** Memory for up to `size` pairs. */
export function pairTerms(engine: Engine, similarity: Similarity, size: number): PairTerms {
  const own = similarity === "relationHyperbolic";
  return {
    terms: engine.float32(size),
    along: own ? engine.float32(size) : null,
    radii: own ? engine.float32(size) : null,
  };
}

/** One step of the Senior; shapes in B queries, K candidates, m teachers. */
export interface SeniorStep {
  readonly batch: number;
  readonly candidates: number;
  readonly teachers: number;
  /** values from one row of `juniorScores` and `gradJunior` to the next, at least K, the default: both may be blocks of wider matrices */
  readonly stride?: number;
  /** m x B x K */
  readonly teacherScores: Float32Array;
  /** B x K, rows `stride` apart */
  readonly juniorScores: Float32Array;
  /** B x m */
  readonly scales: Float32Array;
  /** tau of the contrast attention; Infinity gives every teacher the same weight */
  readonly attentionTemperature: number;
  /** B: position of the true tail among the candidates, -1 if it is not there */
  readonly targets: Int32Array;
  readonly temperature: number;
  /** lambda, the weight of the soft-label loss in the gradients */
  readonly softWeight: number;
  /** whether the soft-label loss reaches the scales too */
  readonly trainOnSoft: boolean;
  /** B x K, out, or null */
  readonly softLogits: Float32Array | null;
  /** B x m, out: attention weights, or null */
  readonly weights: Float32Array | null;
  /** B x K, rows `stride` apart, out */
  readonly gradJunior: Float32Array;
  /** B x m, out */
  readonly gradScales: Float32Array;
}

/** Each query's true answers, at least one: `ids[offsets[b] .. offsets[b + 1])`, ascending. */
export interface Labels {
  /** B + 1 */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
}

/** What `allLoss` minimises. */
export interface AllLossOptions {
  readonly kind: "softmax" | "logistic";
  /** factor of the sum over the batch */
  readonly weight: number;
  /** the part of the labels that is spread over all entities (label smoothing); 0 leaves them as they are */
  readonly smoothing: number;
}

/** A filtered-ranking call; ids of a query's filter are ascending and leave its target out. */
export interface RankCall {
  readonly targets: Int32Array;
  readonly filterOffsets: Int32Array;
  readonly filterIds: Int32Array;
  readonly greater: Int32Array;
  readonly equal: Int32Array;
}

// Up to here a counting sort is the faster one, though its time grows with the entities.
const countedEntitiesPerId = 2;
// At most this many teachers fit the kernel's scratch (native/senior.h).
const maxTeachers = 64;
// Pieces of the entities, and of a plan's rows, with gradients by the queries of their own (native/tiles.h and native/candidates.h).
const gradientPieces = 64;
const queryPieces = 8;
// Pieces of the positions that a plan counts (native/candidates.h).
const planPieces = 4;
// Queries and, at most, entities of a tile, and what is kept of a tile's pairs for each entity (native/tiles.h).
const tileQueries = 64;
const tileEntities = 384;
const keptFloats = 160;
// What a piece of the entities sums up for each query (native/tiles.h).
const querySums = 6;

/**
 * The compute core: fused kernels over typed arrays, checked for shape. Formulas and numerics stand in `native/`.
 * All calls are synchronous; results do not depend on the number of threads. Errors: `KERNELS_BAD_LENGTH` when an array is too
 * short for the shapes given, `KERNELS_BAD_SHAPE` when a shape itself is out of range.
 */
export class Kernels {
  readonly #one = new Float64Array(1);
  readonly #two = new Float64Array(2);
  readonly #kept = new Map<string, Float32Array | Int32Array | Float64Array>();

  constructor(readonly engine: Engine) {}

  get kind(): Engine["kind"] {
    return this.engine.kind;
  }
  get isa(): string {
    return this.engine.isa;
  }
  get threads(): number {
    return this.engine.threads;
  }

  /** Memory that a kernel needs only while it runs: kept for the next call, since fresh pages cost more than the work on them. */
  #scratch(name: string, length: number): Float32Array {
    return this.#keep(name, length, (size) => this.engine.float32(size));
  }
  #scratch32(name: string, length: number): Int32Array {
    return this.#keep(name, length, (size) => this.engine.int32(size));
  }
  #scratch64(name: string, length: number): Float64Array {
    return this.#keep(name, length, (size) => this.engine.float64(size));
  }
  #keep<A extends Float32Array | Int32Array | Float64Array>(
    name: string,
    length: number,
    make: (size: number) => A,
  ): A {
    // A name has one kind.
    const old = this.#kept.get(name) as A | undefined;
    if (old && old.length >= length) return old;
    if (old) this.engine.free(old);
    const fresh = make(length);
    this.#kept.set(name, fresh);
    return fresh;
  }

  #loss(kernel: string, args: readonly KernelArgument[]): number {
    this.#one[0] = 0;
    this.engine.call(kernel, [...args, this.#one]);
    return this.#one[0];
  }

  /** q(h, r) for B queries: fills `out.q`, `square` and `alpha`; `out.curvature` holds c of each query where hyperbolic. */
  encode(tables: EncoderTables, heads: Int32Array, relations: Int32Array, out: QueryBatch): void {
    const { size } = out;
    const call = encoderArguments("encode", tables, size, heads, relations, out.curvature);
    need("encode", "out.q", out.q, size * rowStride(tables.dim));
    this.engine.call("encode", [...call, out.q, out.square, out.alpha]);
  }

  /** From dq (B x stride) to the gradients by the rows read. `queries.curvature` as in `encode`. */
  encodeBackward(
    tables: EncoderTables,
    heads: Int32Array,
    relations: Int32Array,
    queries: QueryBatch,
    dq: Float32Array,
    out: EncoderGradients,
  ): void {
    const { size } = queries;
    const call = encoderArguments("encodeBackward", tables, size, heads, relations, queries.curvature);
    need("encodeBackward", "dq", dq, size * rowStride(tables.dim));
    need("encodeBackward", "head", out.head, size * tables.dim);
    need("encodeBackward", "curvature", out.curvature, size);
    const { tables: read, width } = encoderShapes[tables.encoder];
    for (const table of read) need("encodeBackward", table, out[table], size * width(tables.dim));
    this.engine.call("encodeBackward", [
      ...call,
      dq,
      out.head,
      out.relation,
      out.rotation,
      out.reflection,
      out.innerTranslation,
      out.context,
      out.diagonal,
      out.curvature,
    ]);
  }

  /** Points of `out.size` rows (all, or those in `rows`) of an N x dim table, with their biases; c is the shared curvature. */
  points(
    similarity: Similarity,
    table: Float32Array,
    rows: Int32Array | null,
    c: number,
    bias: Float32Array | null,
    out: PointTable,
  ): void {
    checkDim("points", out.dim);
    need("points", "points", out.points, out.size * rowStride(out.dim));
    if (rows) need("points", "rows", rows, out.size);
    else need("points", "table", table, out.size * out.dim);
    this.engine.call("points", [
      similarityId[similarity],
      out.size,
      out.dim,
      rowStride(out.dim),
      table,
      rows,
      Math.sqrt(c),
      bias,
      out.points,
      out.norm,
      out.alpha,
      out.bias,
    ]);
    if (out.packed) this.engine.call("pack", [out.size, rowStride(out.dim), out.points, out.packed]);
  }

  /** Fills a plan of the pairs' rows and of those of others, such as the heads (each in 0..N-1); returns how many distinct rows there are. */
  plan(pairs: Int32Array, others: Int32Array, entities: number, out: Plan): number {
    const [m, h] = [pairs.length, others.length];
    const { rows, offsets, entries, local } = out;
    need("plan", "rows", rows, Math.min(m + h, entities));
    need("plan", "entries", entries, m);
    need("plan", "local", local, h);
    const size = new Int32Array(1);
    // Counting reads a list of all entities, which a step over a large graph must not.
    const counting = entities <= countedEntitiesPerId * (m + h);
    const counts = counting ? this.#scratch("counts", (planPieces + 1) * entities) : null;
    const items = counting ? null : this.#scratch("items", 4 * (m + h));
    this.engine.call("plan", [pairs, m, others, h, entities, rows, offsets, entries, local, items, counts, size]);
    return size[0]!;
  }

  /** Scores (B x K) of each query's candidates; `ids` (B x K) are rows of `points`. */
  candidates(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    ids: Int32Array,
    K: number,
    scores: Float32Array,
  ): void {
    need("candidates", "ids", ids, queries.size * K);
    need("candidates", "scores", scores, queries.size * K);
    this.engine.call("candidates", [...candidateArguments(similarity, queries, points, ids, K), scores]);
  }

  /**
   * As `candidates`, by a plan of the pairs, with `points` made for the plan's rows: what training uses, where candidates are random.
   * Fills `pairs` for the backward pass.
   */
  plannedCandidates(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    plan: Plan,
    K: number,
    pairs: PairTerms,
    scores: Float32Array,
  ): void {
    const size = queries.size * K;
    need("plannedCandidates", "scores", scores, size);
    checkPairs("plannedCandidates", similarity, pairs, size);
    this.engine.call("plannedCandidates", [...plannedArguments(similarity, queries, points, plan, K, pairs), scores]);
  }

  /**
   * From dL/ds (B x K) after `plannedCandidates`: dq (B x stride), dc (B, added to) and the head biases' gradients (B) on the
   * queries' side; the points' gradients, to be finished by `pointsBackward`, and the tail biases' on the side of the plan's rows.
   */
  plannedBackward(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    plan: Plan,
    K: number,
    pairs: PairTerms,
    gradScores: Float32Array,
    out: {
      readonly dq: Float32Array;
      readonly dc: Float64Array;
      readonly dHeadBias: Float32Array;
      readonly dPoints: Float32Array;
      readonly radial: Float32Array;
      readonly tailBias: Float32Array;
    },
  ): void {
    const batch = queries.size;
    const size = batch * K;
    const stride = rowStride(queries.dim);
    need("plannedBackward", "gradScores", gradScores, size);
    checkPairs("plannedBackward", similarity, pairs, size);
    need("plannedBackward", "dq", out.dq, batch * stride);
    need("plannedBackward", "dc", out.dc, batch);
    need("plannedBackward", "dHeadBias", out.dHeadBias, batch);
    need("plannedBackward", "dPoints", out.dPoints, plan.size * stride);
    need("plannedBackward", "radial", out.radial, plan.size);
    need("plannedBackward", "tailBias", out.tailBias, plan.size);
    this.engine.call("plannedBackward", [
      ...plannedArguments(similarity, queries, points, plan, K, pairs),
      gradScores,
      out.dq,
      out.dc,
      out.dHeadBias,
      out.dPoints,
      out.radial,
      out.tailBias,
      this.#scratch("partial", queryPieces * batch * stride),
      this.#scratch64("querySums", 2 * queryPieces * batch),
    ]);
  }

  /**
   * From points' gradients to those of table rows (`count` x dim, written; in the tangent space where hyperbolic), for all rows or for those
   * in `rows`. Returns dL/d sqrt(c) of the shared curvature.
   */
  pointsBackward(
    similarity: Similarity,
    table: Float32Array,
    rows: Int32Array | null,
    c: number,
    count: number,
    dim: number,
    grads: { readonly dPoints: Float32Array; readonly radial: Float32Array },
    gradient: Float32Array,
  ): number {
    const stride = rowStride(dim);
    need("pointsBackward", "dPoints", grads.dPoints, count * stride);
    need("pointsBackward", "gradient", gradient, count * dim);
    const { dPoints, radial } = grads;
    const shape = [similarityId[similarity], count, dim, stride];
    return this.#loss("pointsBackward", [...shape, table, rows, Math.sqrt(c), dPoints, radial, gradient]);
  }

  /** Scores (B x N) of every entity. */
  scoreAll(similarity: Similarity, queries: QueryBatch, points: PointTable, scores: Float32Array): void {
    need("scoreAll", "scores", scores, queries.size * points.size);
    this.engine.call("scoreAll", [...allArguments("scoreAll", similarity, queries, points), scores]);
  }

  /**
   * Counts, for each query, the entities that score strictly above its target and exactly as it, without the target and the
   * filtered ones. Throws `SCORE_NOT_FINITE` if a score that counts is NaN or infinite.
   */
  rank(similarity: Similarity, queries: QueryBatch, points: PointTable, call: RankCall): void {
    const { size } = queries;
    for (const field of ["targets", "greater", "equal"] as const) need("rank", field, call[field], size);
    need("rank", "filterOffsets", call.filterOffsets, size + 1);
    need("rank", "filterIds", call.filterIds, call.filterOffsets[size]!);
    const bad = this.#scratch32("bad", size);
    this.engine.call("rank", [
      ...allArguments("rank", similarity, queries, points),
      call.targets,
      call.filterOffsets,
      call.filterIds,
      call.greater,
      call.equal,
      bad,
      this.#scratch("target", size),
    ]);
    const query = bad.subarray(0, size).findIndex((count) => count > 0);
    if (query >= 0) {
      throw new MuldeError(
        "SCORE_NOT_FINITE",
        `Query ${query} of the block (target ${call.targets[query]}) has a score that is NaN or infinite: the model has diverged, train it with a lower learning rate.`,
      );
    }
  }

  /**
   * Ids (B x k) of the k best entities of each query, and their scores unless null; `sorted` best first. Ties go to the lower id.
   * Rows of both are `stride` values apart; the values between them stay as they are.
   */
  topK(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    k: number,
    ids: Int32Array,
    scores: Float32Array | null,
    sorted = true,
    stride = k,
  ): void {
    const { size } = queries;
    if (!(Number.isInteger(k) && k >= 1 && k <= points.size)) {
      throw new MuldeError(
        "KERNELS_BAD_SHAPE",
        `topK: k = ${k} is not a whole number between 1 and the ${points.size} entities.`,
      );
    }
    needRows("topK", "ids", ids, size, k, stride);
    if (scores) needRows("topK", "scores", scores, size, k, stride);
    // Room for several times k between two selections, which then cost little.
    const capacity = Math.max(2048, 4 * k);
    this.engine.call("topK", [
      ...allArguments("topK", similarity, queries, points),
      k,
      sorted ? 1 : 0,
      this.#scratch("best", 2 * size * capacity),
      capacity,
      ids,
      scores,
      stride,
    ]);
  }

  /**
   * A loss over all entities: `weight` times the sum over the batch of, with y_e = (1 - smoothing) label + smoothing / N,
   * `softmax`: -sum over e of y_e log softmax(s)_e, a query's labels sharing 1 among them (1vsAll where it has one), or
   * `logistic`: sum over e of softplus(s_e) - y_e s_e (KvsAll). Returns the loss and dL/d sqrt(c) of a shared curvature, and writes the
   * gradients: dq (B x stride), dc (B, added to), head biases (B; zero for a softmax), entity rows (N x dim), tail biases (N).
   */
  allLoss(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    labels: Labels,
    options: AllLossOptions,
    table: Float32Array,
    c: number,
    out: {
      readonly dq: Float32Array;
      readonly dc: Float64Array;
      readonly dHeadBias: Float32Array;
      readonly gradient: Float32Array;
      readonly tailBias: Float32Array;
    },
  ): { readonly loss: number; readonly dSqrtC: number } {
    const { engine } = this;
    const { size: batch } = queries;
    const { size: n, dim } = points;
    const { kind, weight, smoothing } = options;
    const stride = rowStride(dim);
    need("allLoss", "labels.offsets", labels.offsets, batch + 1);
    need("allLoss", "labels.ids", labels.ids, labels.offsets[batch]!);
    need("allLoss", "dq", out.dq, batch * stride);
    need("allLoss", "dHeadBias", out.dHeadBias, batch);
    need("allLoss", "gradient", out.gradient, n * dim);
    need("allLoss", "tailBias", out.tailBias, n);
    const call = allArguments("allLoss", similarity, queries, points);
    const first = this.#scratch32("firstLabels", batch);
    const own = this.#scratch("ownLabel", batch);
    for (let b = 0; b < batch; b++) {
      const count = labels.offsets[b + 1]! - labels.offsets[b]!;
      if (count < 1) throw new MuldeError("KERNELS_BAD_SHAPE", `allLoss: query ${b} has no label; each needs one.`);
      first[b] = labels.ids[labels.offsets[b]!]!;
      own[b] = (1 - smoothing) / (kind === "softmax" ? count : 1);
    }
    const references = this.#scratch("references", batch);
    if (kind === "softmax") this.candidates(similarity, queries, points, first, 1, references);
    const losses = this.#scratch64("losses", batch);
    const dPoints = this.#scratch("dPoints", n * stride);
    const radial = this.#scratch("radial", n);
    engine.call("allLoss", [
      ...call,
      kind === "softmax" ? 0 : 1,
      labels.offsets,
      labels.ids,
      own,
      references,
      smoothing / n,
      weight,
      losses,
      out.dq,
      out.dc,
      out.dHeadBias,
      dPoints,
      radial,
      out.tailBias,
      this.#scratch("byWeight", n),
      this.#scratch("partial", gradientPieces * tileQueries * stride),
      this.#scratch64("sums", (querySums + 2) * gradientPieces * tileQueries),
      this.#scratch("pairs", keptFloats * (n + tileEntities)),
    ]);
    let loss = 0;
    for (let b = 0; b < batch; b++) loss += weight * losses[b]!;
    const dSqrtC = this.pointsBackward(similarity, table, null, c, n, dim, { dPoints, radial }, out.gradient);
    return { loss, dSqrtC };
  }

  /**
   * Binary cross-entropy with logits over B x K scores, the positive in column 0:
   * sum over b of positiveWeight softplus(-s_0) + negativeWeight sum over k > 0 of a_k softplus(s_k), with a_k = 1, or for
   * `adversarial` alpha > 0 the self-adversarial weights softmax(alpha s) of the negatives (Sun et al. 2019). Returns the loss.
   * Rows of the scores and of the gradient are `stride` values apart; the values between them stay as they are.
   */
  bce(
    batch: number,
    K: number,
    scores: Float32Array,
    options: { readonly positiveWeight: number; readonly negativeWeight: number; readonly adversarial: number },
    gradient: Float32Array,
    stride = K,
  ): number {
    needRows("bce", "scores", scores, batch, K, stride);
    needRows("bce", "gradient", gradient, batch, K, stride);
    const { positiveWeight, negativeWeight, adversarial } = options;
    return this.#loss("bce", [batch, K, stride, scores, positiveWeight, negativeWeight, adversarial, gradient]);
  }

  /** Softmax cross-entropy over candidates: weight * sum over b of -log softmax(s)_0. Returns the loss. `stride` as in `bce`. */
  crossEntropy(
    batch: number,
    K: number,
    scores: Float32Array,
    weight: number,
    gradient: Float32Array,
    stride = K,
  ): number {
    needRows("crossEntropy", "scores", scores, batch, K, stride);
    needRows("crossEntropy", "gradient", gradient, batch, K, stride);
    return this.#loss("crossEntropy", [batch, K, stride, scores, weight, gradient]);
  }

  /** weight T^2 sum over b of KL(softmax(targets / T) || softmax(scores / T)); gradient by scores. Returns the loss. */
  kl(
    batch: number,
    K: number,
    targets: Float32Array,
    scores: Float32Array,
    options: { readonly temperature: number; readonly weight: number },
    gradient: Float32Array,
  ): number {
    need("kl", "targets", targets, batch * K);
    need("kl", "scores", scores, batch * K);
    need("kl", "gradient", gradient, batch * K);
    return this.#loss("kl", [batch, K, targets, scores, options.temperature, options.weight, gradient]);
  }

  /** Soft labels, losses and gradients of one step of the Senior (Wang et al. 2021). Losses are means, without lambda. */
  seniorStep(step: SeniorStep): { readonly softLoss: number; readonly seniorLoss: number } {
    const { batch, candidates: K, teachers: m, stride = K } = step;
    if (!(m >= 1 && m <= maxTeachers)) {
      throw new MuldeError("KERNELS_BAD_SHAPE", `seniorStep: ${m} teachers, but 1 to ${maxTeachers} are possible.`);
    }
    need("seniorStep", "teacherScores", step.teacherScores, m * batch * K);
    needRows("seniorStep", "juniorScores", step.juniorScores, batch, K, stride);
    need("seniorStep", "scales", step.scales, batch * m);
    need("seniorStep", "targets", step.targets, batch);
    needRows("seniorStep", "gradJunior", step.gradJunior, batch, K, stride);
    need("seniorStep", "gradScales", step.gradScales, batch * m);
    const softLogits = step.softLogits ?? this.#scratch("softLogits", batch * K);
    const weights = step.weights ?? this.#scratch("teacherWeights", batch * m);
    this.#two.fill(0);
    this.engine.call("seniorStep", [
      batch,
      K,
      stride,
      m,
      step.teacherScores,
      step.juniorScores,
      step.scales,
      Number.isFinite(step.attentionTemperature) ? step.attentionTemperature : 0,
      step.targets,
      step.temperature,
      step.softWeight,
      step.trainOnSoft ? 1 : 0,
      softLogits,
      weights,
      step.gradJunior,
      step.gradScales,
      this.#two,
    ]);
    return { softLoss: this.#two[0]!, seniorLoss: this.#two[1]! };
  }

  /** Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019); `step` counts from 1. */
  adam(
    update: Update,
    state: { readonly first: Float32Array; readonly second: Float32Array },
    options: {
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly step: number;
      readonly weightDecay: number;
    },
  ): void {
    const length = update.rows * update.dim;
    need("adam", "first", state.first, length);
    need("adam", "second", state.second, length);
    this.engine.call("adam", [
      ...updateArguments("adam", update),
      state.first,
      state.second,
      options.learningRate,
      options.beta1,
      options.beta2,
      options.epsilon,
      options.step,
      options.weightDecay,
    ]);
  }

  /** Adagrad (Duchi et al. 2011) with decoupled weight decay. */
  adagrad(
    update: Update,
    state: { readonly sum: Float32Array },
    options: { readonly learningRate: number; readonly epsilon: number; readonly weightDecay: number },
  ): void {
    need("adagrad", "sum", state.sum, update.rows * update.dim);
    const { learningRate, epsilon, weightDecay } = options;
    this.engine.call("adagrad", [...updateArguments("adagrad", update), state.sum, learningRate, epsilon, weightDecay]);
  }

  /** table[ids[b]] += source[b] for the B rows of a batch, in its order. */
  addRows(batch: number, dim: number, ids: Int32Array, source: Float32Array, table: Float32Array): void {
    need("addRows", "ids", ids, batch);
    need("addRows", "source", source, batch * dim);
    this.engine.call("addRows", [batch, dim, ids, source, table]);
  }

  /**
   * Copies `rows` rows of `width` values between matrices of the same kind: `source` and `target` are given with their strides (values from row to row)
   * and the column to start at.
   */
  copyRows<A extends Float32Array | Int32Array>(
    rows: number,
    width: number,
    source: { readonly data: A; readonly stride: number; readonly column: number },
    target: { readonly data: A; readonly stride: number; readonly column: number },
  ): void {
    for (const [field, { data, stride, column }] of Object.entries({ source, target })) {
      need("copyRows", field, data, (rows - 1) * stride + column + width);
    }
    const to = [target.data, target.stride, target.column];
    this.engine.call("copyRows", [rows, width, source.data, source.stride, source.column, ...to]);
  }

  /**
   * Candidates (B x (1 + negatives)): the target, then entities drawn uniformly from 0..N-1. Draws are numbered: `counter` says where
   * to start, and a call uses B x negatives of them. Rows of `ids` are `stride` values apart (by default 1 + negatives); the values between them
   * stay as they are.
   */
  sampleCandidates(
    options: {
      readonly batch: number;
      readonly negatives: number;
      readonly entities: number;
      readonly seed: number;
      readonly counter: number;
      readonly stride?: number;
    },
    targets: Int32Array,
    ids: Int32Array,
  ): void {
    const { batch, negatives, entities, seed, counter, stride = 1 + negatives } = options;
    need("sampleCandidates", "targets", targets, batch);
    needRows("sampleCandidates", "ids", ids, batch, 1 + negatives, stride);
    this.engine.call("sampleCandidates", [batch, negatives, stride, entities, seed, counter, targets, ids]);
  }

  /**
   * For benchmarks: independent fused multiply-adds and nothing else, the most that the instruction set can do, on each of `threads`. Returns
   * the floating-point operations done and the sum of the results, of which each lane is 1 + i / 2^iterations for sum i = 1, 2, ...
   */
  peak(threads: number, iterations: number): { readonly operations: number; readonly sum: number } {
    if (!(Number.isInteger(threads) && threads >= 1 && iterations >= 1 && iterations < 2 ** 31)) {
      throw new MuldeError(
        "KERNELS_BAD_SHAPE",
        `peak: ${threads} threads and ${iterations} iterations are not possible.`,
      );
    }
    const out = this.engine.float64(2 * threads);
    this.engine.call("peak", [threads, iterations, out]);
    const add = (column: number): number => out.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0);
    const result = { operations: add(1), sum: add(0) };
    this.engine.free(out);
    return result;
  }

  /**
   * For benchmarks: the inner products of all queries and entities as `allLoss` makes them, a tile at a time, and nothing else.
   * Returns the sum of those with the first entities of each tile (at least 4), a figure that depends on the instruction set.
   */
  products(queries: QueryBatch, points: PointTable): number {
    const pieces = 64;
    const out = this.engine.float64(pieces);
    this.engine.call("products", [...allArguments("products", "dot", queries, points), pieces, out]);
    const sum = out.reduce((total, value) => total + value, 0);
    this.engine.free(out);
    return sum;
  }
}

function checkDim(kernel: string, dim: number): void {
  if (!(Number.isInteger(dim) && dim >= 1 && dim <= maxDim)) {
    throw new MuldeError("KERNELS_BAD_SHAPE", `${kernel}: dimension ${dim} is not between 1 and ${maxDim}.`);
  }
}

type RelationTable = "relation" | "rotation" | "reflection" | "innerTranslation" | "context" | "diagonal";

/** What an encoder reads besides the entities, and the dimensions that it can have. */
interface EncoderShape {
  readonly tables: readonly RelationTable[];
  /** coordinates that belong together: the dimension is a multiple of it */
  readonly multiple: 1 | 2 | 4;
  /** of a relation's row */
  readonly width: (dim: number) => number;
}

const shape = (
  tables: readonly RelationTable[],
  multiple: EncoderShape["multiple"],
  width = (dim: number): number => dim,
): EncoderShape => ({ tables, multiple, width });

const encoderShapes: Readonly<Record<EncoderName, EncoderShape>> = {
  TransE: shape(["relation"], 1),
  DistE: shape(["relation"], 1),
  RotE: shape(["relation", "rotation"], 2),
  RefE: shape(["relation", "reflection"], 2),
  AttE: shape(["relation", "rotation", "reflection", "context"], 2),
  TransH: shape(["relation"], 1),
  DistH: shape(["relation"], 1),
  RotH: shape(["relation", "rotation", "innerTranslation"], 2),
  RefH: shape(["relation", "reflection"], 2),
  AttH: shape(["relation", "rotation", "reflection", "context"], 2),
  ComplEx: shape(["relation"], 2),
  CP: shape(["relation"], 2, (dim) => dim / 2),
  SimplE: shape(["relation"], 2),
  QuatE: shape(["relation"], 4),
  RotatE: shape(["rotation"], 2),
  MuRE: shape(["relation", "diagonal"], 1),
  MuRP: shape(["relation", "diagonal"], 1),
};

function checkPairs(kernel: string, similarity: Similarity, pairs: PairTerms, size: number): void {
  need(kernel, "terms", pairs.terms, size);
  if (similarity !== "relationHyperbolic") return;
  need(kernel, "along", pairs.along, size);
  need(kernel, "radii", pairs.radii, size);
}

function encoderArguments(
  kernel: string,
  tables: EncoderTables,
  batch: number,
  heads: Int32Array,
  relations: Int32Array,
  curvature: Float32Array | null,
): KernelArgument[] {
  checkDim(kernel, tables.dim);
  const { tables: read, multiple, width } = encoderShapes[tables.encoder];
  if (tables.dim % multiple !== 0) {
    throw new MuldeError(
      "KERNELS_BAD_SHAPE",
      multiple === 2
        ? `${kernel}: ${tables.encoder} pairs coordinates, so that its dimension must be even, not ${tables.dim}.`
        : `${kernel}: ${tables.encoder} takes coordinates by fours, so that its dimension must be a multiple of 4, not ${tables.dim}.`,
    );
  }
  for (const table of read) need(kernel, table, tables[table], width(tables.dim));
  need(kernel, "heads", heads, batch);
  need(kernel, "relations", relations, batch);
  return [
    encoderNames.indexOf(tables.encoder),
    batch,
    tables.dim,
    rowStride(tables.dim),
    tables.entity,
    tables.relation,
    tables.rotation,
    tables.reflection,
    tables.innerTranslation,
    tables.context,
    tables.diagonal,
    heads,
    relations,
    curvature,
  ];
}

function candidateArguments(
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
  ids: Int32Array | null,
  K: number,
): KernelArgument[] {
  return [
    similarityId[similarity],
    queries.size,
    K,
    rowStride(queries.dim),
    queries.q,
    queries.square,
    queries.alpha,
    queries.curvature,
    queries.headBias,
    points.points,
    points.norm,
    points.alpha,
    points.bias,
    ids,
  ];
}

function plannedArguments(
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
  plan: Plan,
  K: number,
  { terms, along, radii }: PairTerms,
): KernelArgument[] {
  const { size, offsets, entries } = plan;
  return [...candidateArguments(similarity, queries, points, null, K), size, offsets, entries, terms, along, radii];
}

function allArguments(
  kernel: string,
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
): KernelArgument[] {
  need(kernel, "points.packed", points.packed, packedLength(points.size, queries.dim));
  return [
    similarityId[similarity],
    queries.size,
    points.size,
    rowStride(queries.dim),
    queries.q,
    queries.square,
    queries.alpha,
    queries.curvature,
    queries.headBias,
    points.points,
    points.packed,
    points.norm,
    points.alpha,
    points.bias,
  ];
}

function updateArguments(kernel: string, update: Update): KernelArgument[] {
  const { rows, dim, ids, count, sparse, gradient, parameters } = update;
  need(kernel, "parameters", parameters, rows * dim);
  need(kernel, "gradient", gradient, (ids ? count : rows) * dim);
  return [rows, dim, ids, count, sparse ? 1 : 0, gradient, parameters];
}
