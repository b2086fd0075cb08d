import type { ModelDefinition } from "./definition.js";
import { expmap0, mobiusAdd } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * MuRP, with the translation on the query's side: q = (-R) (+) expmap0(D * h) with R = expmap0(r) and a diagonal matrix D,
 * score = -d_c(q, T)^2. Since Mobius addition from the left keeps distances, this is -d_c(expmap0(D * h), R (+) T)^2.
 *
 * Balazevic, Allen, Hospedales, Multi-relational Poincare Graph Embeddings, NeurIPS 2019, has T (+) R instead: as far from the origin, but
 * turned, since Mobius addition does not commute. We learn c and add reciprocal relations.
 */
export const muRP: ModelDefinition = {
  name: "MuRP",
  fused: "MuRP",
  similarity: "hyperbolic",
  dimMultiple: 1,
  tables: {
    diagonal: { width: (dim) => dim, init: "uniform" },
    relation: { width: (dim) => dim, init: "normal" },
  },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    const translation = expmap0(tf, tf.neg(relationRows(inputs, "relation")), c);
    const stretched = expmap0(tf, tf.mul(inputs.head, relationRows(inputs, "diagonal")), c);
    return mobiusAdd(tf, translation, stretched, c);
  },
};
