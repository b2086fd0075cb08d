import { blockProduct, type Term } from "./_product.js";
import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

// Forward: the head as a head meets the tail as a tail. Backward: the head as a tail meets the tail as a head.
const terms: readonly Term[] = [
  [1, 0, 0, 0.5],
  [0, 1, 1, 0.5],
];

/**
 * SimplE: score = (<h(e), r, t(e')> + <h(e'), r', t(e)>) / 2 for the triple (e, r, e'), over d/2 ranks, where h(e) and t(e) are an
 * entity's vectors as a head and as a tail, and r' is the inverse relation's. Rows alternate both, (h_0, t_0, h_1, t_1, ...) and
 * (r_0, r'_0, r_1, r'_1, ...), so that q = (t_0 r'_0, h_0 r_0, ...) / 2 and score = <q, row of e'>.
 *
 * Kazemi, Poole, SimplE Embedding for Link Prediction in Knowledge Graphs, NeurIPS 2018. We add biases, and reciprocal
 * relations with rows of their own; in the original, a reciprocal row is the relation's with its two halves swapped.
 */
export const simplE: ModelDefinition = {
  name: "SimplE",
  fused: "SimplE",
  similarity: "dot",
  dimMultiple: 2,
  initialScale: 0.1,
  tables: { relation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => blockProduct(tf, terms, 2, inputs.head, relationRows(inputs, "relation")),
};
