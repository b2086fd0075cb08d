import type { ModelDefinition } from "./definition.js";
import { givensRotation } from "./geometry.js";
import { relationRows } from "./inputs.js";

/**
 * RotatE: q = h r / |r|, products of d/2 complex numbers, r scaled to modulus 1: a rotation of each pair of coordinates, as RotE without
 * its translation. score = -|q - t|^2.
 *
 * Sun, Deng, Nie, Tang, RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space, ICLR 2019, whose score is another:
 * gamma less the sum of the moduli of q - t, not of their squares. Here also with biases and reciprocal relations.
 */
export const rotatE: ModelDefinition = {
  name: "RotatE",
  fused: "RotatE",
  similarity: "euclidean",
  dimMultiple: 2,
  tables: { rotation: { width: (dim) => dim, init: "normal" } },
  encode: (tf, inputs) => givensRotation(tf, relationRows(inputs, "rotation"), inputs.head),
};
