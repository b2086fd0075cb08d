import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

/**
 * DistE: q = h * r (elementwise), score = -|q - t|^2: DistMult's product, with a distance in place of the dot product.
 *
 * Wang et al., MulDE, WWW 2021, the Euclidean twin of its DistH.
 */
export const distE: ModelDefinition = {
  name: "DistE",
  fused: "DistE",
  similarity: "euclidean",
  dimMultiple: 1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => tf.mul(inputs.head, relationRows(inputs, "relation")),
};
