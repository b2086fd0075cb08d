import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

/**
 * DistMult: q = h * r (elementwise), score = <q, t>.
 *
 * Yang et al., Embedding Entities and Relations for Learning and Inference in Knowledge Bases, ICLR 2015, here with biases, and with
 * reciprocal relations, which let it tell the two directions of a relation apart.
 */
export const distMult: ModelDefinition = {
  name: "DistMult",
  fused: "DistE",
  similarity: "dot",
  dimMultiple: 1,
  initialScale: 0.1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => tf.mul(inputs.head, relationRows(inputs, "relation")),
};
