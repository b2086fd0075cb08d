import { blockProduct, type Term } from "./_product.js";
import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

// (h0 + h1 i)(r0 + r1 i)
const terms: readonly Term[] = [
  [0, 0, 0, 1],
  [0, 1, 1, -1],
  [1, 0, 1, 1],
  [1, 1, 0, 1],
];

/**
 * ComplEx: q = h r, the product of d/2 complex numbers each, score = Re(sum of h r conj(t)) = <q, t>. Coordinates alternate
 * real and imaginary parts.
 *
 * Trouillon et al., Complex Embeddings for Simple Link Prediction, ICML 2016, here with biases and reciprocal relations.
 */
export const complEx: ModelDefinition = {
  name: "ComplEx",
  fused: "ComplEx",
  similarity: "dot",
  dimMultiple: 2,
  components: 2,
  initialScale: 0.1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => blockProduct(tf, terms, 2, inputs.head, relationRows(inputs, "relation")),
};
