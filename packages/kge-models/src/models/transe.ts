import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

/**
 * TransE: q = h + r, score = -|q - t|^2.
 *
 * Bordes et al., Translating Embeddings for Modeling Multi-relational Data, NeurIPS 2013, here with squared distances and biases.
 */
export const transE: ModelDefinition = {
  name: "TransE",
  fused: "TransE",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => tf.add(inputs.head, relationRows(inputs, "relation")),
};
