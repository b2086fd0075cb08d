import { blockProduct, type Term } from "./_product.js";
import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

// The head half of one entity, times the relation, is compared with the tail half of the other.
const terms: readonly Term[] = [[1, 0, 0, 1]];

/**
 * CP: score = <h, r, t> over d/2 ranks. An entity has one vector as a head and another as a tail; its row alternates both,
 * (h_0, t_0, h_1, t_1, ...), so that q = (0, h_0 r_0, 0, h_1 r_1, ...) and score = <q, row of t>. Relations have d/2 values.
 *
 * Hitchcock, The Expression of a Tensor or a Polyadic as a Sum of Products, 1927; Lacroix, Usunier, Obozinski, Canonical Tensor
 * Decomposition for Knowledge Base Completion, ICML 2018, with its reciprocal relations, here with biases.
 */
export const cp: ModelDefinition = {
  name: "CP",
  fused: "CP",
  similarity: "dot",
  dimMultiple: 2,
  initialScale: 0.1,
  tables: { relation: { width: (dim) => dim / 2, init: "normal" } },
  encode: (tf, inputs) => blockProduct(tf, terms, 2, inputs.head, relationRows(inputs, "relation")),
};
