import { flexibleAdd } from "./_flexible-addition.js";
import type { ModelDefinition } from "./definition.js";
import { givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * RotL: q = (Rot(r) h) (+)_alpha r with the flexible addition x (+)_alpha y = alpha (x + y) / (1 + <x, y>) and a learned alpha for each
 * relation, score = -|q - t|^2: RotH without hyperbolic space, but with a normalisation like that of Mobius addition.
 *
 * Wang, Liu, Lin, Sheng, Hyperbolic Geometry is Not Necessary: Lightweight Euclidean-Based Models for Low-Dimensional Knowledge Graph
 * Embeddings, Findings of EMNLP 2021. This is our reading of the paper, written from memory and not checked against its
 * text or code. What may differ: the parameter of alpha (here 1 + a, starting at 1), a translation before the rotation as in RotH
 * (here none), and the floor of 0.1 under 1 + <x, y>, which is ours. The paper wraps the distance in x e^x, which changes no rank; the
 * score here is minus the squared distance. We add biases and reciprocal relations.
 */
export const rotL: ModelDefinition = {
  name: "RotL",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: {
    relation: { width: (dim) => dim, init: "normal" },
    rotation: { width: (dim) => dim, init: "normal" },
    scale: { width: () => 1, init: "normal" },
  },
  encode: (tf, inputs) =>
    flexibleAdd(
      tf,
      givensRotation(tf, relationRows(inputs, "rotation"), inputs.head),
      relationRows(inputs, "relation"),
      relationRows(inputs, "scale"),
    ),
};
