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
import { hashOf } from "../run/identity.js";
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

// Irregular, with two equal scores: each built-in normalization makes something else of them.
const sample = Float32Array.of(3, -1, 0.5, 0.5, 2, -4, 7, 0);

/**
 * What mechanisms of a user's own do before they learn, for a run's identity. They have no names, so they are told apart by what they make of
 * fixed input.
 *
 * @throws MuldeError SENIOR_SHAPE, SENIOR_TEMPERATURE for a mechanism that does not suit the run
 */
export function seniorIdentity(
  { normalization, scaling, attention }: SeniorParts,
  relations: number,
  teachers: number,
  epochs: number,
): unknown {
  const scores = sample.slice();
  normalization?.apply(sample.slice(), { teachers: 1, B: 1, K: sample.length }, scores);
  const ids = Int32Array.from({ length: relations }, (_, relation) => relation);
  const own = scaling?.parameters().map(({ name, value }) => [name, Array.from(value)]);
  return [
    normalization ? Array.from(scores) : null,
    scaling ? hashOf([Array.from(scaling.scales(ids, teachers)), own]) : null,
    attention ? hashOf(Array.from({ length: epochs }, (_, epoch) => String(attention.temperature(epoch)))) : null,
  ];
}
