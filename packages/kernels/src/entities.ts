import { MuldeError } from "@mulde/errors";
import { checkParts, need, numberOf } from "./_fault.js";
import { constants, losses as lossKinds } from "./_generated.js";
import { pairArguments } from "./_pairs.js";
import { CandidateKernels } from "./candidates.js";
import type { KernelArgument } from "./engine.js";
import { type PointTable, type QueryBatch, rowStride, type Similarity } from "./shapes.js";

/** The true answers of each query, at least one: `ids[offsets[b] .. offsets[b + 1])`, ascending. */
export interface Labels {
  /** B + 1 */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
}

/** What `allLoss` minimises. */
export interface AllLossOptions {
  readonly kind: keyof typeof lossKinds;
  /** the factor of the sum over the batch */
  readonly weight: number;
  /** label smoothing: the share of a label that is spread over all entities, 0 to 1 */
  readonly smoothing: number;
}

/** The arguments of `rank`. `filterIds[filterOffsets[b] .. filterOffsets[b + 1])` are the filtered entities of query b, ascending. */
export interface RankCall {
  readonly targets: Int32Array;
  readonly filterOffsets: Int32Array;
  readonly filterIds: Int32Array;
  readonly greater: Int32Array;
  readonly equal: Int32Array;
}

/** The gradients that `allLoss` writes: by the queries and by all entities. */
export interface AllLossGradients {
  /** B x stride */
  readonly dq: Float32Array;
  /** B, added to */
  readonly dc: Float64Array;
  /** B; zero for a softmax */
  readonly dHeadBias: Float32Array;
  /** N x dim */
  readonly gradient: Float32Array;
  /** N */
  readonly tailBias: Float32Array;
}

const { gradientPieces, keptFloats, maxTileEntities, querySums, tileQueries, topKRoom } = constants;

// Top-K takes parts of the queries so that its buffers stay within this many values (32 MiB). It frees larger ones after the call.
const largestTopK = 1 << 23;

/** The kernels over all entities. They need a point table made with `packed`. */
export class EntityKernels extends CandidateKernels {
  /** Scores every entity: B x N `scores`. */
  scoreAll(similarity: Similarity, queries: QueryBatch, points: PointTable, scores: Float32Array): void {
    this.engine.call("scoreAll", [...allArguments("scoreAll", similarity, queries, points), scores]);
  }

  /**
   * Counts, for each query, the entities that score above its target (`greater`, B) and equal to it (`equal`, B), without the target itself and the
   * filtered ones.
   *
   * @throws MuldeError SCORE_NOT_FINITE if a score that counts is NaN or infinite; its `value` is the first such { query, target }
   */
  rank(similarity: Similarity, queries: QueryBatch, points: PointTable, call: RankCall): void {
    checkParts("rank", { queries, call });
    const { size } = queries;
    need("rank", "targets", call.targets, size);
    const bad = this.scratch32("bad", size);
    this.engine.call("rank", [
      ...allArguments("rank", similarity, queries, points),
      call.targets,
      call.filterOffsets,
      call.filterIds,
      call.greater,
      call.equal,
      bad,
      this.scratch("target", size),
    ]);
    const query = bad.subarray(0, size).findIndex((count) => count > 0);
    if (query >= 0) {
      throw new MuldeError(
        "SCORE_NOT_FINITE",
        `Query ${query} of the block (target ${call.targets[query]!}) has a score that is NaN or infinite: the model has diverged, train it with a lower learning rate.`,
        { value: { query, target: call.targets[query]! } },
      );
    }
  }

  /**
   * Finds the k best entities of each query: B x k `ids`, and B x k `scores` unless null. `sorted` puts the best first; otherwise ids ascend. Ties go
   * to the lower id. Rows are `stride` values apart (k by default); values between them do not change. An id is -1 where too many
   * scores are NaN.
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
    checkParts("topK", { queries, ids });
    const { size } = queries;
    need("topK", "ids", ids, size === 0 ? 0 : (size - 1) * stride + k);
    const capacity = Math.max(topKRoom, 4 * k);
    // Many queries with a large k would need many times the memory of the points, so they are taken in parts.
    const least = tileQueries * this.threads;
    const fitting = Math.floor(largestTopK / (2 * capacity) / least) * least;
    const part = Number.isInteger(k) ? Math.max(least, fitting) : size;
    // The kernel refuses what is no size.
    const whole = !(part < size);
    let begin = 0;
    do {
      const end = whole ? size : Math.min(begin + part, size);
      this.engine.call("topK", [
        ...allArguments("topK", similarity, whole ? queries : queriesFrom(queries, begin, end), points),
        k,
        sorted ? 1 : 0,
        this.scratch("best", 2 * (end - begin) * capacity),
        capacity,
        begin === 0 ? ids : ids.subarray(begin * stride),
        begin === 0 ? scores : (scores?.subarray(begin * stride) ?? null),
        stride,
      ]);
      begin = end;
    } while (begin < size);
    this.forget("best", largestTopK);
  }

  /**
   * Computes a loss over all entities and its gradients. The loss is `weight` times the sum over the batch of
   * - `softmax` (1vsAll): -sum over e of y_e log softmax(s)_e, where a query's labels share 1 among them,
   * - `logistic` (KvsAll): sum over e of softplus(s_e) - y_e s_e,
   * with y_e = (1 - smoothing) label_e + smoothing / N.
   *
   * @param table - the N x dim parameters behind `points`
   * @param c - the shared curvature, if there is one
   * @returns the loss, and dL/d sqrt(c) of a shared curvature
   */
  allLoss(
    similarity: Similarity,
    queries: QueryBatch,
    points: PointTable,
    labels: Labels,
    options: AllLossOptions,
    table: Float32Array,
    c: number,
    out: AllLossGradients,
  ): { readonly loss: number; readonly dSqrtC: number } {
    checkParts("allLoss", { queries, points, labels, options, out });
    const { size: batch } = queries;
    const { size: n, dim } = points;
    const { kind, weight, smoothing } = options;
    const stride = rowStride(dim);
    need("allLoss", "out.dq", out.dq, batch * stride);
    need("allLoss", "out.gradient", out.gradient, n * dim);
    const losses = this.scratch64("losses", batch);
    const dPoints = this.scratch("dPoints", n * stride);
    const radial = this.scratch("radial", n);
    this.engine.call("allLoss", [
      ...allArguments("allLoss", similarity, queries, points),
      numberOf(["allLoss", "options", "kind"], lossKinds, kind),
      labels.offsets,
      labels.ids,
      smoothing,
      weight,
      losses,
      out.dq,
      out.dc,
      out.dHeadBias,
      dPoints,
      radial,
      this.scratch32("firstLabels", batch),
      this.scratch("ownLabels", batch),
      this.scratch("references", batch),
      this.scratch("byWeight", n),
      this.scratch("partial", gradientPieces * tileQueries * stride),
      this.scratch64("sums", (querySums + 2) * gradientPieces * tileQueries),
      this.scratch("kept", keptFloats * (n + maxTileEntities)),
      out.tailBias,
    ]);
    let loss = 0;
    for (let b = 0; b < batch; b++) loss += weight * losses[b]!;
    const dSqrtC = this.pointsBackward(similarity, table, null, c, n, dim, { dPoints, radial }, out.gradient);
    return { loss, dSqrtC };
  }

  /**
   * For benchmarks: computes the inner products of all queries and entities tile by tile, as `allLoss` does, and nothing else. Returns the sum of
   * those with the first entities of each tile; their number depends on the instruction set.
   */
  products(queries: QueryBatch, points: PointTable): number {
    const pieces = 64;
    const out = this.scratch64("products", pieces).subarray(0, pieces);
    this.engine.call("products", [...allArguments("products", "dot", queries, points), pieces, out]);
    return out.reduce((total, value) => total + value, 0);
  }
}

function allArguments(
  kernel: string,
  similarity: Similarity,
  queries: QueryBatch,
  points: PointTable,
): KernelArgument[] {
  return [...pairArguments(kernel, similarity, queries, points), points.packed];
}

/** Queries `begin` to `end` - 1 of a batch. */
function queriesFrom(queries: QueryBatch, begin: number, end: number): QueryBatch {
  const stride = rowStride(queries.dim);
  return {
    size: end - begin,
    dim: queries.dim,
    q: queries.q.subarray(begin * stride, end * stride),
    square: queries.square.subarray(begin, end),
    alpha: queries.alpha.subarray(begin, end),
    curvature: queries.curvature?.subarray(begin, end) ?? null,
    headBias: queries.headBias?.subarray(begin, end) ?? null,
  };
}
