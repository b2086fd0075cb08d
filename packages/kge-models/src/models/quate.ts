import { blockProduct, type Term, unitBlocks } from "./_product.js";
import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

// (h0 + h1 i + h2 j + h3 k)(r0 + r1 i + r2 j + r3 k), ij = k
const terms: readonly Term[] = [
  [0, 0, 0, 1],
  [0, 1, 1, -1],
  [0, 2, 2, -1],
  [0, 3, 3, -1],
  [1, 0, 1, 1],
  [1, 1, 0, 1],
  [1, 2, 3, 1],
  [1, 3, 2, -1],
  [2, 0, 2, 1],
  [2, 1, 3, -1],
  [2, 2, 0, 1],
  [2, 3, 1, 1],
  [3, 0, 3, 1],
  [3, 1, 2, 1],
  [3, 2, 1, -1],
  [3, 3, 0, 1],
];

/**
 * QuatE: q = h r / |r|, Hamilton products of d/4 quaternions, each quaternion of r scaled to length 1, score = <q, t>. Coordinates
 * alternate the real part and the parts of i, j and k.
 *
 * Zhang, Tay, Yao, Liu, Quaternion Knowledge Graph Embeddings, NeurIPS 2019, here with biases and reciprocal relations.
 */
export const quatE: ModelDefinition = {
  name: "QuatE",
  fused: "QuatE",
  similarity: "dot",
  dimMultiple: 4,
  components: 4,
  initialScale: 0.1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => blockProduct(tf, terms, 4, inputs.head, unitBlocks(tf, 4, relationRows(inputs, "relation"))),
};
