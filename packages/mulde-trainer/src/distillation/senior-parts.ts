import {
  type Attention,
  belowBest,
  contrastAttention,
  type Normalization,
  noScaling,
  rankScores,
  relationScaling,
  type Scaling,
  softmaxWeights,
  uniformAttention,
  zScore,
} from "@mulde/senior";
import type { DistilOptions } from "../run/options.js";

/** The mechanisms of a Senior. */
export interface SeniorParts {
  readonly normalization?: Normalization;
  readonly scaling?: Scaling;
  readonly attention?: Attention;
}

/** The mechanisms that the options name, for 2R relations and m teachers. */
export function seniorParts(
  { normalization, scaling, attention }: Pick<DistilOptions["senior"], "normalization" | "scaling" | "attention">,
  relations: number,
  teachers: number,
): SeniorParts {
  const shape = { relations, teachers };
  const normalizations = { zScore, belowBest, ranks: rankScores };
  const scalings = { relation: relationScaling, softmax: softmaxWeights, none: noScaling };
  return {
    ...(normalization !== "none" && { normalization: normalizations[normalization]() }),
    scaling: scalings[scaling](shape),
    attention: attention === "contrast" ? contrastAttention() : uniformAttention(),
  };
}
