/** The shape of m teachers' scores for B queries with K candidates each. */
export interface ScoreShape {
  /** m. */
  readonly teachers: number;
  readonly B: number;
  readonly K: number;
}

/**
 * Brings teachers of different families to one scale, before the Senior scales them: distances score below 0, dot products on both sides
 * of it. Teachers are frozen, so no gradient goes through it.
 */
export interface Normalization {
  /**
   * Writes m x B x K scores; each row of K depends only on the same row of `scores`. `out` may be `scores` itself. A NaN or an infinity must
   * not come out finite: the Senior then names the teacher.
   */
  apply(scores: Float32Array, shape: ScoreShape, out: Float32Array): void;
}

/** Leaves the scores as the teachers give them, as in the paper. */
export function noNormalization(): Normalization {
  return { apply: (scores, _shape, out) => out.set(scores) };
}

/**
 * (s - mean) / deviation over a query's K candidates. It makes all teachers equally confident; the scaling may then learn otherwise. A teacher
 * that scores all candidates alike gets zeros. Very confident teachers get flatter, so lower the temperature with it.
 */
export function zScore(): Normalization {
  return byRow((row, out) => {
    const K = row.length;
    let sum = 0;
    for (const s of row) sum += s;
    const mean = sum / K;
    let square = 0;
    for (const s of row) square += (s - mean) ** 2;
    const deviation = Math.sqrt(square / K);
    // Smaller deviations are float32 rounding of equal scores. A NaN passes through.
    const inverse = deviation < 1e-6 * Math.abs(mean) || deviation === 0 ? 0 : 1 / deviation;
    for (let k = 0; k < K; k++) out[k] = (row[k]! - mean) * inverse;
  });
}

/**
 * s - max over a query's K candidates: 0 for the teacher's best, negative for the rest. Use it to mix teachers of different families. A
 * softmax does not notice, but the scaling does: with scores of one sign, a scale below 1 always flattens, while it would lower a
 * positive score and raise a negative one. The Senior's own loss then gets logits of at most 0.
 */
export function belowBest(): Normalization {
  return byRow((row, out) => {
    let best = -Infinity;
    // Not Math.max, which would turn the whole row into NaN; this way the NaN stays in its place, and its candidate can be named.
    for (const s of row) if (s > best) best = s;
    for (let k = 0; k < row.length; k++) out[k] = row[k]! - best;
  });
}

/**
 * -log(rank) of a candidate among the teacher's K: the ensemble averages ranks, and no teacher's scale matters. Its softmax is proportional to
 * 1 / rank. Equal scores share the mean of their ranks.
 */
export function rankScores(): Normalization {
  return byRow((row, out) => {
    const scores = row.slice();
    const order = Int32Array.from(scores, (_, k) => k).sort((a, b) => scores[b]! - scores[a]!);
    for (let first = 0; first < order.length;) {
      let end = first + 1;
      while (end < order.length && scores[order[end]!] === scores[order[first]!]) end++;
      // ranks first + 1 .. end
      for (let i = first; i < end; i++) out[order[i]!] = -Math.log((first + 1 + end) / 2);
      first = end;
    }
    for (let k = 0; k < row.length; k++) if (!Number.isFinite(scores[k])) out[k] = NaN;
  });
}

function byRow(normalize: (row: Float32Array, out: Float32Array) => void): Normalization {
  return {
    apply(scores, { K }, out) {
      for (let at = 0; at < scores.length; at += K) normalize(scores.subarray(at, at + K), out.subarray(at, at + K));
    },
  };
}
