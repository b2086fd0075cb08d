import { attend } from "./_attention.js";
import type { ModelDefinition } from "./definition.js";
import { expmap0, givensReflection, givensRotation, mobiusAdd } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * AttH: q = expmap0(a Rot(r) h + (1 - a) Ref(r) h) (+) R with R = expmap0(r), score = -d_c(q, T)^2, where (a, 1 - a) is the softmax of
 * <context(r), .> / sqrt(d) over the rotated and the reflected head, both in the tangent space.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020.
 */
export const attH: ModelDefinition = {
  name: "AttH",
  fused: "AttH",
  similarity: "hyperbolic",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    rotation: { width: (dim) => dim, init: "normal" },
    reflection: { width: (dim) => dim, init: "normal" },
    context: { width: (dim) => dim, init: "normal" },
  },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    const rotated = givensRotation(tf, relationRows(inputs, "rotation"), inputs.head);
    const reflected = givensReflection(tf, relationRows(inputs, "reflection"), inputs.head);
    const attended = attend(tf, relationRows(inputs, "context"), rotated, reflected);
    return mobiusAdd(tf, expmap0(tf, attended, c), expmap0(tf, relationRows(inputs, "relation"), c), c);
  },
};
