import { flexibleAdd } from "./_flexible-addition.js";
import type { ModelDefinition } from "./definition.js";
import { givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";
import { rotL } from "./rotl.js";

/**
 * Rot2L: two layers of RotL, x = (Rot(r) h) (+)_alpha r and q = (Rot(u) x) (+)_beta v, score = -|q - t|^2. All relations share the
 * rotation u and the translation v of the second layer; each has its own alpha and beta. A relation has 2d + 2 values, where RotH has 3d.
 *
 * Wang, Liu, Lin, Sheng, Hyperbolic Geometry is Not Necessary: Lightweight Euclidean-Based Models for Low-Dimensional Knowledge Graph
 * Embeddings, Findings of EMNLP 2021. This is our reading of the paper, written from memory and not checked against its text or code.
 * The paper stacks two layers and shares parameters of the second; which ones are shared, and that the second layer adds flexibly as
 * the first does, is our choice and may differ, as may what RotL names.
 */
export const rot2L: ModelDefinition = {
  name: "Rot2L",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: {
    ...rotL.tables,
    secondRotation: { rows: "one", width: (dim) => dim, init: "normal" },
    secondTranslation: { rows: "one", width: (dim) => dim, init: "normal" },
    secondScale: { width: () => 1, init: "normal" },
  },
  encode(tf, inputs) {
    const first = rotL.encode(tf, inputs);
    // One row for each query, as the rotation needs. (tf.tile would serve, but its gradient is a loop over the queries.)
    const rotation = tf.add(tf.zerosLike(first), relationRows(inputs, "secondRotation"));
    return flexibleAdd(
      tf,
      givensRotation(tf, rotation, first),
      relationRows(inputs, "secondTranslation"),
      relationRows(inputs, "secondScale"),
    );
  },
};
