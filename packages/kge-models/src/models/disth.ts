import type { ModelDefinition } from "./definition.js";
import { expmap0, project } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * DistH: q = H * R (elementwise) with H = expmap0(h), R = expmap0(r), score = -d_c(q, T)^2. If c < 1, the product of two points
 * of the ball can lie outside it and is projected back.
 *
 * Wang et al., MulDE: Multi-teacher Knowledge Distillation for Low-dimensional Knowledge Graph Embeddings, WWW 2021.
 */
export const distH: ModelDefinition = {
  name: "DistH",
  fused: "DistH",
  similarity: "hyperbolic",
  dimMultiple: 1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    return project(tf, tf.mul(expmap0(tf, inputs.head, c), expmap0(tf, relationRows(inputs, "relation"), c)), c);
  },
};
