import type { Scorer } from "@mulde/eval";
import type { KgeModel } from "@mulde/kge-models";
import type { Integrator } from "@mulde/senior";

/**
 * The Senior as a scorer of all entities, for ranking: s(h, r, t) = sum_i scale_i(r) s_i(h, r, t) / m, of scores normalized over all entities where
 * the Senior normalizes. Attention has no part in it,
 * since no Junior is at hand; the paper's code evaluates its Senior so, up to the factor 1/m, which no rank sees.
 */
export function seniorScorer(
  senior: Pick<Integrator, "normalization" | "scales">,
  teachers: readonly KgeModel[],
): Scorer {
  const numEntities = teachers[0]!.entities;
  let scores = new Float32Array();
  return {
    numEntities,
    scoreAll(heads, relations, out) {
      if (scores.length < out.length) scores = new Float32Array(out.length);
      const scales = senior.scales(relations);
      out.fill(0);
      teachers.forEach((teacher, i) => {
        const own = scores.subarray(0, out.length);
        teacher.inference.scoreAll(heads, relations, own);
        senior.normalization?.apply(own, { teachers: 1, B: heads.length, K: numEntities }, own);
        for (let b = 0; b < heads.length; b++) {
          const scale = scales[b * teachers.length + i]! / teachers.length;
          for (let at = b * numEntities; at < (b + 1) * numEntities; at++) out[at]! += scale * own[at]!;
        }
      });
    },
  };
}
