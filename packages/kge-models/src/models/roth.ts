import type { ModelDefinition } from "./definition.js";
import { expmap0, givensRotation, mobiusAdd } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * RotH: q = Rot(r)(H (+) R') (+) R with H = expmap0(h), R' = expmap0(innerTranslation(r)), R = expmap0(r),
 * score = -d_c(q, T)^2.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020; the Junior of MulDE, WWW 2021.
 */
export const rotH: ModelDefinition = {
  name: "RotH",
  fused: "RotH",
  similarity: "hyperbolic",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    rotation: { width: (dim) => dim, init: "normal" },
    innerTranslation: { width: (dim) => dim, init: "normal" },
  },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    const inner = expmap0(tf, relationRows(inputs, "innerTranslation"), c);
    const moved = mobiusAdd(tf, expmap0(tf, inputs.head, c), inner, c);
    const rotated = givensRotation(tf, relationRows(inputs, "rotation"), moved);
    return mobiusAdd(tf, rotated, expmap0(tf, relationRows(inputs, "relation"), c), c);
  },
};
