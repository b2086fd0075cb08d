import { type QueryBatch, rowStride } from "@mulde/kernels";
import type { KgeModel, QueryLayer } from "@mulde/kge-models";
import type { RunOptions } from "../run/options.js";
import { streamAt } from "../run/streams.js";

/** Layers for training that know the step, and what their terms of the loss come to. */
export interface TrainingLayer extends QueryLayer {
  /**
   * To be called before each step's passes.
   *
   * @param size - B; rows below these are of no true triple
   */
  begin(step: number, size: number): void;
  /** What the layer added to the last step's loss. */
  readonly loss: number;
}

/** Dropout and the query's part of DURA, or undefined where the options want neither. */
export function trainingLayer(
  model: KgeModel,
  { seed, regularizer }: Pick<RunOptions, "seed" | "regularizer">,
): TrainingLayer | undefined {
  const { name, weight, dropout } = regularizer;
  const layers: TrainingLayer[] = [];
  if (dropout > 0) layers.push(new QueryDropout(model, dropout, seed));
  if (name === "DURA") layers.push(new QueryNorm(model, weight));
  if (layers.length < 2) return layers[0];
  return {
    begin: (step, size) => layers.forEach((layer) => layer.begin(step, size)),
    forward: (queries) => layers.forEach((layer) => layer.forward(queries)),
    backward: (queries, dq) => [...layers].reverse().forEach((layer) => layer.backward(queries, dq)),
    get loss() {
      return layers.reduce((sum, layer) => sum + layer.loss, 0);
    },
  };
}

/**
 * Dropout of the queries' coordinates. What is kept is scaled by 1 / (1 - p), except in the ball, which it might leave: there a query only
 * moves towards the origin.
 */
class QueryDropout implements TrainingLayer {
  readonly loss = 0;
  readonly #model: KgeModel;
  readonly #rate: number;
  readonly #seed: number;
  #step = 0;
  #factors = new Float32Array();

  constructor(model: KgeModel, rate: number, seed: number) {
    this.#model = model;
    this.#rate = rate;
    this.#seed = seed;
  }

  begin(step: number): void {
    this.#step = step;
  }

  forward({ size, q, square, alpha }: QueryBatch): void {
    const { dim, hyperbolic } = this.#model;
    const stride = rowStride(dim);
    if (this.#factors.length < size * stride) this.#factors = new Float32Array(size * stride);
    const random = streamAt(this.#seed, "dropout", this.#step);
    const kept = hyperbolic ? 1 : 1 / (1 - this.#rate);
    for (let b = 0; b < size; b++) {
      let sum = 0;
      for (let i = b * stride; i < b * stride + dim; i++) {
        const factor = random.uniform() < this.#rate ? 0 : kept;
        this.#factors[i] = factor;
        q[i]! *= factor;
        sum += q[i]! * q[i]!;
      }
      square[b] = sum;
      if (hyperbolic) alpha[b] = 1 / (1 - sum);
    }
  }

  backward({ size }: QueryBatch, dq: Float32Array): void {
    const stride = rowStride(this.#model.dim);
    for (let i = 0; i < size * stride; i++) dq[i]! *= this.#factors[i]!;
  }
}

/** The mean over the batch of weight |q|^2: the query's half of DURA (Zhang et al., NeurIPS 2020); `Regularizer` has the tail's. */
class QueryNorm implements TrainingLayer {
  loss = 0;
  readonly #dim: number;
  readonly #weight: number;
  #size = 0;

  constructor(model: KgeModel, weight: number) {
    this.#dim = model.dim;
    this.#weight = weight;
  }

  begin(_: number, size: number): void {
    this.loss = 0;
    this.#size = size;
  }

  forward({ square }: QueryBatch): void {
    let sum = 0;
    for (let b = 0; b < this.#size; b++) sum += square[b]!;
    this.loss = (this.#weight * sum) / this.#size;
  }

  backward({ q }: QueryBatch, dq: Float32Array): void {
    const factor = (2 * this.#weight) / this.#size;
    for (let i = 0; i < this.#size * rowStride(this.#dim); i++) dq[i]! += factor * q[i]!;
  }
}
