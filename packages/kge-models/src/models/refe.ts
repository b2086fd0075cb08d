import type { ModelDefinition } from "./definition.js";
import { givensReflection } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * RefE: q = Ref(r) h + r, score = -|q - t|^2.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020, the Euclidean twin of RefH.
 */
export const refE: ModelDefinition = {
  name: "RefE",
  fused: "RefE",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    reflection: { width: (dim) => dim, init: "normal" },
  },
  encode: (tf, inputs) =>
    tf.add(givensReflection(tf, relationRows(inputs, "reflection"), inputs.head), relationRows(inputs, "relation")),
};
