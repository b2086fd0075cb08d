import { attend } from "./_attention.js";
import type { ModelDefinition } from "./definition.js";
import { givensReflection, givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * AttE: q = a Rot(r) h + (1 - a) Ref(r) h + r, score = -|q - t|^2, where (a, 1 - a) is the softmax of <context(r), .> / sqrt(d) over
 * the rotated and the reflected head.
 *
 * Chami et al., Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL 2020, the Euclidean twin of AttH.
 */
export const attE: ModelDefinition = {
  name: "AttE",
  fused: "AttE",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    rotation: { width: (dim) => dim, init: "normal" },
    reflection: { width: (dim) => dim, init: "normal" },
    context: { width: (dim) => dim, init: "normal" },
  },
  encode(tf, inputs) {
    const rotated = givensRotation(tf, relationRows(inputs, "rotation"), inputs.head);
    const reflected = givensReflection(tf, relationRows(inputs, "reflection"), inputs.head);
    return tf.add(attend(tf, relationRows(inputs, "context"), rotated, reflected), relationRows(inputs, "relation"));
  },
};
