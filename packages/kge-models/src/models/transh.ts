import type { ModelDefinition } from "./definition.js";
import { expmap0, mobiusAdd } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * TransH: q = H (+) R with H = expmap0(h), R = expmap0(r), score = -d_c(q, T)^2: a hyperbolic TransE. The name is MulDE's; it is not
 * the hyperplane model TransH of Wang et al., AAAI 2014.
 *
 * Wang et al., MulDE: Multi-teacher Knowledge Distillation for Low-dimensional Knowledge Graph Embeddings, WWW 2021.
 */
export const transH: ModelDefinition = {
  name: "TransH",
  fused: "TransH",
  similarity: "hyperbolic",
  dimMultiple: 1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    return mobiusAdd(tf, expmap0(tf, inputs.head, c), expmap0(tf, relationRows(inputs, "relation"), c), c);
  },
};
