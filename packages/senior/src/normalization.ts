/** m teachers' scores of B queries with K candidates each. */
export interface ScoreShape {
  /** m. */
  readonly teachers: number;
  readonly B: number;
  readonly K: number;
}

/**
 * What is done to the teachers' scores before the scaling, so that teachers of different families can be mixed: distances score below 0,
 * dot products on both sides of it, each on a scale of its own. Teachers are frozen: no gradient goes through it.
 */
export interface Normalization {
  /**
   * Reads m x B x K scores and writes as many, each a function of its own teacher's scores of its own query. `out` may be `scores` itself.
   */
  apply(scores: Float32Array, shape: ScoreShape, out: Float32Array): void;
}

/** Scores as the teachers give them, as in the paper. */
export function noNormalization(): Normalization {
  return { apply: (scores, _shape, out) => out.set(scores) };
}

/**
 * (s - mean) / deviation over a query's K candidates. It makes all teachers equally sure of themselves, and leaves the scaling free to
 * say otherwise; a teacher that scores all candidates alike gets zeros. Very sure teachers become flat: lower the temperature with it.
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
    // Below this, differences are float32's rounding of equal scores. A NaN is passed on.
    const inverse = deviation < 1e-6 * Math.abs(mean) || deviation === 0 ? 0 : 1 / deviation;
    for (let k = 0; k < K; k++) out[k] = (row[k]! - mean) * inverse;
  });
}

/**
 * s - max over a query's candidates: 0 for the teacher's best, below 0 for the rest. A softmax does not see the difference, but the scaling does:
 * with scores of one sign a scale below 1 always means "flatter", where a positive score would fall and a negative one rise.
 * The Senior's own loss then sees logits of at most 0. The choice for teachers of different families.
 */
export function belowBest(): Normalization {
  return byRow((row, out) => {
    let best = -Infinity;
    // Not Math.max, which would hide which score is NaN; here a NaN stays where it is.
    for (const s of row) if (s > best) best = s;
    for (let k = 0; k < row.length; k++) out[k] = row[k]! - best;
  });
}

/**
 * -log of a candidate's rank among the teacher's K, so that ensembles average ranks and no teacher's scale counts; softmax of it is 1 / rank,
 * normalised. Equal scores share the mean of their ranks.
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
    for (let k = 0; k < row.length; k++) if (Number.isNaN(scores[k])) out[k] = NaN;
  });
}

function byRow(normalize: (row: Float32Array, out: Float32Array) => void): Normalization {
  return {
    apply(scores, { K }, out) {
      for (let at = 0; at < scores.length; at += K) normalize(scores.subarray(at, at + K), out.subarray(at, at + K));
    },
  };
}
