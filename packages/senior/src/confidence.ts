import { checkLength } from "./_check.js";
import { MuldeError } from "@mulde/errors";

/** How sure a query's soft label is: the weights of the two labels in its loss, which sum to 1. */
export interface LabelWeights {
  /** B */
  readonly soft: Float32Array;
  /** B */
  readonly hard: Float32Array;
}

/**
 * DualDE's soft label evaluation (Zhu et al., WSDM 2022): where the teacher scores the true answer high, its label can be trusted, and counts
 * sigmoid(alpha (s + beta)); the hard label counts the rest. The paper weighs every triple; here a query's soft label is one distribution over its
 * candidates, so its true answer's score decides for the whole of it.
 *
 * @param trueScores - B: the teachers' merged scores of the true answers, as `seniorTeacher` gives them
 * @throws MuldeError SENIOR_CONFIDENCE for alpha below 0 or values that are not finite
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
      `alpha must be a finite number of at least 0 and beta a finite one, but they are ${String(alpha)} and ${String(beta)}.`,
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
