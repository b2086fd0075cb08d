import type { ModelDefinition } from "./definition.js";
import { givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * RotE: q = Rot(r) h + r, score = -|q - t|^2.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020, the Euclidean twin of RotH.
 */
export const rotE: ModelDefinition = {
  name: "RotE",
  fused: "RotE",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    rotation: { width: (dim) => dim, init: "normal" },
  },
  encode: (tf, inputs) =>
    tf.add(givensRotation(tf, relationRows(inputs, "rotation"), inputs.head), relationRows(inputs, "relation")),
};
