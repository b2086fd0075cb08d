import type { ModelDefinition } from "./definition.js";
import { givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * RotatE: q = h r / |r|, products of d/2 complex numbers, r scaled to modulus 1: it rotates each pair of coordinates, like RotE without
 * the translation. score = -|q - t|^2.
 *
 * Sun, Deng, Nie, Tang, RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space, ICLR 2019, with another score: gamma
 * minus the sum of the moduli of q - t, not of their squares. We add biases and reciprocal relations.
 */
export const rotatE: ModelDefinition = {
  name: "RotatE",
  fused: "RotatE",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: { rotation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => givensRotation(tf, relationRows(inputs, "rotation"), inputs.head),
};
