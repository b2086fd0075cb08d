import type { ModelDefinition } from "./definition.js";
import { relationRows } from "./inputs.js";

/**
 * TuckER: q_k = sum over i and j of W_ijk h_i r_j, score = <q, t>, with one core tensor W, d x d x d, for all relations (row-major in its
 * table). It has no fused kernel: TensorFlow.js encodes queries, with B x d x d values in between.
 *
 * Balazevic, Allen, Hospedales, TuckER: Tensor Factorization for Knowledge Graph Completion, EMNLP 2019. Relations are as wide as
 * entities here; we add biases and reciprocal relations, and leave out batch normalisation and dropout.
 */
export const tuckER: ModelDefinition = {
  name: "TuckER",
  similarity: "dot",
  dimMultiple: 1,
  // The core has d^3 values: 16.8 million at 256, 4.3 billion at 1024.
  maxDim: 256,
  initialScale: 0.1,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    core: { rows: "one", width: (dim) => dim ** 3, init: "uniform" },
  },
  encode(tf, inputs) {
    const { head } = inputs;
    const dim = head.shape[1];
    const outer = tf.mul(tf.expandDims(head, 2), tf.expandDims(relationRows(inputs, "relation"), 1));
    const core = tf.reshape(relationRows(inputs, "core"), [dim * dim, dim]);
    return tf.matMul(tf.reshape(outer, [-1, dim * dim]), core);
  },
};
