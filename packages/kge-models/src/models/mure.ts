import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

/**
 * MuRE: q = R * h - r with a diagonal matrix R, score = -|q - t|^2 = -|R h - (t + r)|^2.
 *
 * Balazevic, Allen, Hospedales, Multi-relational Poincare Graph Embeddings, NeurIPS 2019, with its biases, here with reciprocal relations.
 */
export const muRE: ModelDefinition = {
  name: "MuRE",
  fused: "MuRE",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: {
    diagonal: { width: (dim) => dim, init: "uniform" },
    relation: { width: (dim) => dim, init: "normal" },
  },
  encode: (tf, inputs) =>
    tf.sub(tf.mul(inputs.head, relationRows(inputs, "diagonal")), relationRows(inputs, "relation")),
};
