import type { ModelDefinition } from "./definition.js";
import { expmap0, givensReflection, mobiusAdd } from "./geometry.js";
import { queryCurvature, relationRows } from "./inputs.js";

/**
 * RefH: q = Ref(r) H (+) R with H = expmap0(h), R = expmap0(r), score = -d_c(q, T)^2.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020.
 */
export const refH: ModelDefinition = {
  name: "RefH",
  fused: "RefH",
  similarity: "hyperbolic",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    reflection: { width: (dim) => dim, init: "normal" },
  },
  encode(tf, inputs) {
    const c = queryCurvature(inputs);
    const reflected = givensReflection(tf, relationRows(inputs, "reflection"), expmap0(tf, inputs.head, c));
    return mobiusAdd(tf, reflected, expmap0(tf, relationRows(inputs, "relation"), c), c);
  },
};
