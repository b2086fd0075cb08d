import type { Kernels } from "@mulde/kernels";
import type { RunOptions } from "../run/options.js";
import type { Label } from "../step/parts.js";
import { marginLoss } from "./margin.js";

/**
 * The facts' loss over sampled candidates, the true answer first in each row: `bce` (self-adversarial after Sun et al. 2019 where
 * `adversarial` is above 0), `crossEntropy` or `margin`.
 */
export function hardLabel(kernels: Kernels, options: RunOptions["loss"]): Label {
  const { name, adversarial } = options;
  return {
    name,
    learn({ queries, K, stride, scores, gradient }) {
      const B = queries.heads.length;
      if (name === "crossEntropy") return { hard: kernels.crossEntropy(B, K, scores, 1 / B, gradient, stride) };
      if (name === "margin") return { hard: marginLoss(B, K, stride, scores, options, gradient) };
      // Equal weights: the mean over B (1 + n), as in the paper. Self-adversarial: the negatives' weights sum to 1, and positive and
      // negatives count one half each.
      const weight = adversarial > 0 ? 1 / (2 * B) : 1 / (B * K);
      const weights = { positiveWeight: weight, negativeWeight: weight, adversarial };
      return { hard: kernels.bce(B, K, scores, weights, gradient, stride) };
    },
  };
}
