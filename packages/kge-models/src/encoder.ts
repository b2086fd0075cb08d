import { type EncoderName, type EncoderTables, type QueryBatch, rowStride } from "@mulde/kernels";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import { isShared } from "./_shape.js";
import type { KgeModel } from "./model.js";
import type { Tf } from "./tf.js";

/** Gradients of a batch by the rows that its queries read. */
export interface QueryGradients {
  /** B x d */
  readonly head: Float32Array;
  /** B x width for each relation table, 1 x width for one whose row all relations share */
  readonly relation: ReadonlyMap<string, Float32Array>;
  /** B, by c, added to */
  readonly curvature: Float64Array;
}

/** Turns queries (h, r, ?) into points, and gradients by points into gradients by parameters. */
export interface Encoder {
  /** Fills `out.q`, `square`, `alpha`, `curvature` and `headBias` for the first `out.size` queries. */
  forward(heads: Int32Array, relations: Int32Array, out: QueryBatch): void;
  /** dq is B x stride, by the points as `forward` writes them. */
  backward(heads: Int32Array, relations: Int32Array, queries: QueryBatch, dq: Float32Array, out: QueryGradients): void;
}

const optionalTables = ["relation", "rotation", "reflection", "innerTranslation", "context", "diagonal"] as const;

/** What every encoder fills alike: the curvature and the head bias of each query. */
function fillScalars(model: KgeModel, heads: Int32Array, relations: Int32Array, out: QueryBatch): void {
  const bias = model.table("headBias").data;
  const c = model.curvature(0);
  const shared = model.config.curvature === "shared";
  for (let b = 0; b < out.size; b++) {
    out.headBias![b] = bias[heads[b]!]!;
    out.curvature![b] = shared ? c : model.curvature(relations[b]!);
  }
}

/** The encoder of a built-in model, by its fused kernels. */
export function fusedEncoder(model: KgeModel): Encoder {
  const data = (name: string): Float32Array | null => model.tables.get(name)?.data ?? null;
  const tables: EncoderTables = {
    encoder: model.definition.fused as EncoderName,
    dim: model.dim,
    entity: model.table("entity").data,
    relation: data("relation"),
    rotation: data("rotation"),
    reflection: data("reflection"),
    innerTranslation: data("innerTranslation"),
    context: data("context"),
    diagonal: data("diagonal"),
  };
  return {
    forward(heads, relations, out) {
      fillScalars(model, heads, relations, out);
      model.kernels.encode(tables, heads, relations, out);
    },
    backward(heads, relations, queries, dq, out) {
      const gradients = Object.fromEntries(
        optionalTables.map((name) => [name, out.relation.get(name) ?? null]),
      ) as Record<(typeof optionalTables)[number], Float32Array | null>;
      model.kernels.encodeBackward(tables, heads, relations, queries, dq, {
        head: out.head,
        curvature: out.curvature,
        ...gradients,
      });
    },
  };
}

/**
 * The encoder of any definition, by TensorFlow.js. Points are scaled to the unit ball, where the similarity kernels work:
 * q_unit = sqrt(c) q.
 */
export function tfEncoder(tf: Tf, model: KgeModel): Encoder {
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

  const encode = (inputs: readonly Tensor2D[]): Tensor2D => {
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
      // The values leave through a variable: a large array returned from tf.tidy would be walked element by element.
      let values: Float32Array = new Float32Array();
      tf.tidy(() => {
        values = encode(leaves(heads, relations, out)).dataSync<"float32">();
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
      const read: Float32Array[] = [];
      tf.tidy(() => {
        const direction = tf.tensor2d(dense, [size, dim]);
        const gradients = tf.grads((...inputs) => tf.sum(tf.mul(encode(inputs as Tensor2D[]), direction)));
        // tfjs wants every leaf to be used: zero times the sum of c does for Euclidean models.
        const used = model.hyperbolic
          ? gradients
          : tf.grads((...inputs) =>
              tf.add(
                tf.sum(tf.mul(encode(inputs as Tensor2D[]), direction)),
                tf.mul(tf.sum(inputs[names.length + 1]!), 0),
              ),
            );
        for (const gradient of used(leaves(heads, relations, queries))) read.push(gradient.dataSync<"float32">());
      });
      out.head.set(read[0]!);
      names.forEach((name, i) => out.relation.get(name)!.set(read[i + 1]!));
      if (model.hyperbolic) read[names.length + 1]!.forEach((value, b) => (out.curvature[b]! += value));
    },
  };
}
