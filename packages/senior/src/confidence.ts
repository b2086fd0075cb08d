import { MuldeError } from "@mulde/errors";
import { checkLength } from "./_check.js";

/** The weights of a query's two labels in its loss; they sum to 1. */
export interface LabelWeights {
  /** Out, B. */
  readonly soft: Float32Array;
  /** Out, B. */
  readonly hard: Float32Array;
}

/**
 * DualDE's soft label evaluation (Zhu et al., WSDM 2022): trust the soft label where the teachers score the true answer high. The soft label
 * gets the weight sigmoid(alpha (s + beta)), the hard label the rest. The paper weighs each triple; here a query's soft label is one
 * distribution over its candidates, so the score of the true answer decides for all of them.
 *
 * @param trueScores - B: the teachers' merged scores of the true answers, as `seniorTeacher` gives them
 * @param out - both arrays B long
 * @throws MuldeError SENIOR_CONFIDENCE unless alpha is finite and at least 0 and beta is finite; SENIOR_SHAPE for other lengths
 */
export function confidenceWeights(
  trueScores: Float32Array,
  options: { readonly alpha: number; readonly beta: number },
  out: LabelWeights,
): void {
  const { alpha, beta } = options;
  if (!(alpha >= 0 && alpha < Infinity && Number.isFinite(beta))) {
    throw new MuldeError(
      "SENIOR_CONFIDENCE",
      `alpha must be a finite number of at least 0 and beta a finite number, but they are ${String(alpha)} and ${String(beta)}.`,
      { value: options },
    );
  }
  checkLength("soft", out.soft, trueScores.length, "B");
  checkLength("hard", out.hard, trueScores.length, "B");
  trueScores.forEach((score, b) => {
    const weight = 1 / (1 + Math.exp(-alpha * (score + beta)));
    out.soft[b] = weight;
    out.hard[b] = 1 - weight;
  });
}
