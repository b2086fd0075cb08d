import { type QueryBatch, rowStride } from "@mulde/kernels";
import type { ModelState } from "../_model-state.js";
import { isShared } from "../models/_shape.js";
import { fillScalars } from "./_query-scalars.js";
import type { Encoder } from "./encoder.js";
import type { Tensor, Tensor2D, Tf } from "../tensors.js";

/**
 * The encoder of any definition, in TensorFlow.js. It scales points to the unit ball, where the similarity kernels work:
 * q_unit = sqrt(c) q.
 */
export function tfEncoder(tf: Tf, model: ModelState): Encoder {
  const { definition, dim } = model;
  const names = Object.keys(definition.tables);

  const rows = (name: string, ids: Int32Array, size: number): Float32Array => {
    const { data, width } = model.table(name);
    const out = new Float32Array(size * width);
    for (let b = 0; b < size; b++) out.set(data.subarray(ids[b]! * width, (ids[b]! + 1) * width), b * width);
    return out;
  };

  /** Leaves of the computation: head rows, one tensor per relation table, and c (B x 1). */
  const leaves = (heads: Int32Array, relations: Int32Array, queries: QueryBatch): Tensor2D[] => {
    const { size } = queries;
    return [
      tf.tensor2d(rows("entity", heads, size), [size, dim]),
      ...names.map((name) => {
        const { data, width } = model.table(name);
        if (isShared(definition, name)) return tf.tensor2d(data, [1, width]);
        return tf.tensor2d(rows(name, relations, size), [size, width]);
      }),
      tf.tensor2d(queries.curvature!.slice(0, size), [size, 1]),
    ];
  };

  const encode = (inputs: readonly Tensor2D[]): Tensor => {
    const curvature = inputs[names.length + 1]!;
    const relation = Object.fromEntries(names.map((name, i) => [name, inputs[i + 1]!]));
    const q = definition.encode(tf, {
      head: inputs[0]!,
      relation,
      curvature: model.hyperbolic ? curvature : undefined,
    });
    return model.hyperbolic ? tf.mul(q, tf.sqrt(curvature)) : q;
  };

  return {
    forward(heads, relations, out) {
      fillScalars(model, heads, relations, out);
      // The values leave through a variable, since tf.tidy walks a returned array element by element.
      let values: ArrayLike<number> = [];
      tf.tidy(() => {
        values = encode(leaves(heads, relations, out)).dataSync();
      });
      const stride = rowStride(dim);
      for (let b = 0; b < out.size; b++) {
        let square = 0;
        for (let k = 0; k < stride; k++) {
          const value = k < dim ? values[b * dim + k]! : 0;
          out.q[b * stride + k] = value;
          square += value * value;
        }
        out.square[b] = square;
        out.alpha[b] = model.hyperbolic ? 1 / (1 - square) : 1;
      }
    },
    backward(heads, relations, queries, dq, out) {
      const { size } = queries;
      const stride = rowStride(dim);
      const dense = new Float32Array(size * dim);
      for (let b = 0; b < size; b++) dense.set(dq.subarray(b * stride, b * stride + dim), b * dim);
      const read: ArrayLike<number>[] = [];
      tf.tidy(() => {
        const direction = tf.tensor2d(dense, [size, dim]);
        const gradients = tf.grads((...inputs) => tf.sum(tf.mul(encode(inputs as Tensor2D[]), direction)));
        // tfjs requires every leaf to be used: Euclidean models add zero times the sum of c.
        const used = model.hyperbolic
          ? gradients
          : tf.grads((...inputs) =>
              tf.add(
                tf.sum(tf.mul(encode(inputs as Tensor2D[]), direction)),
                tf.mul(tf.sum(inputs[names.length + 1]!), 0),
              ),
            );
        for (const gradient of used(leaves(heads, relations, queries))) read.push(gradient.dataSync());
      });
      out.head.set(read[0]!);
      names.forEach((name, i) => out.relation.get(name)!.set(read[i + 1]!));
      if (model.hyperbolic) {
        const byCurvature = read[names.length + 1]!;
        for (let b = 0; b < size; b++) out.curvature[b]! += byCurvature[b]!;
      }
    },
  };
}
