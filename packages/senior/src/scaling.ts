import { checkCount, checkIds, checkLength } from "./_check.js";
import { MuldeError } from "@mulde/errors";

/** A trainable array with its gradient, for any optimizer. Copying into `value` restores it from a checkpoint. */
export interface Parameter {
  readonly name: string;
  readonly value: Float32Array;
  /** As long as `value`; what the last step wrote. */
  readonly gradient: Float32Array;
}

/** How much each teacher's scores are scaled for each query, before the attention: s'_i = g_i s_i. */
export interface Scaling {
  /** The scales g, B x m, for B relation ids and m teachers. */
  scales(relations: Int32Array, teachers: number): Float32Array;
  /** Adds dL/dg (B x m) to the gradients of the parameters behind g, at the same B relation ids. */
  backward(relations: Int32Array, gradScales: Float32Array): void;
  /** Sets the gradients to 0. */
  zeroGradients(): void;
  /** The parameters to train; none where nothing is trained. */
  parameters(): readonly Parameter[];
}

export interface RelationScalingOptions {
  /** 2R: relations with their reciprocals. */
  readonly relations: number;
  /** m. */
  readonly teachers: number;
  /** The start of every W[r, i]; 1, as in the paper, makes every scale sigmoid(1) = .731. */
  readonly init?: number;
}

/**
 * Relation-specific scaling (MulDE, section 4.2): a trainable W of 2R x m, and g_i = sigmoid(W[r, i]) for a query of relation r.
 * So every relation learns how far to trust each teacher. Its one parameter is named "scaling".
 *
 * @throws MuldeError SENIOR_SHAPE for counts below 1 or arrays that do not fit, SENIOR_ID for a relation outside 0..2R-1
 */
export function relationScaling(options: RelationScalingOptions): Scaling {
  return new RelationScaling(options.relations, options.teachers, options.init ?? 1);
}

/**
 * Learned weights of the teachers for each relation: g_i = m softmax_i(W[r]), to be used with `uniformAttention()`, which divides by m. All
 * weights are 1/m at first (W = 0). Its one parameter is named "scaling".
 *
 * @throws MuldeError SENIOR_SHAPE for counts below 1 or arrays that do not fit, SENIOR_ID for a relation outside 0..2R-1
 */
export function softmaxWeights(options: Omit<RelationScalingOptions, "init">): Scaling {
  return new SoftmaxWeights(options.relations, options.teachers, 0);
}

/**
 * The same weights for every query, to be used with `uniformAttention()`: g_i = m w_i with w scaled to sum to 1. Nothing is trained.
 *
 * @throws MuldeError SENIOR_WEIGHTS for weights below 0, that are not finite or sum to 0; SENIOR_SHAPE where there is not one for each teacher
 */
export function fixedWeights(weights: readonly number[]): Scaling {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (!(sum > 0 && sum < Infinity && weights.every((w) => w >= 0))) {
    throw new MuldeError(
      "SENIOR_WEIGHTS",
      `Weights must be finite, at least 0, and not all 0, but are ${weights.join(", ")}.`,
    );
  }
  return {
    ...noScaling(),
    scales(relations, teachers) {
      checkLength("weights", weights, teachers, "m");
      return Float32Array.from(
        { length: relations.length * teachers },
        (_, i) => (teachers * weights[i % teachers]!) / sum,
      );
    },
  };
}

/** No scaling: every scale is 1 and nothing is trained. */
export function noScaling(): Scaling {
  return {
    scales: (relations, teachers) => new Float32Array(relations.length * teachers).fill(1),
    backward: () => undefined,
    zeroGradients: () => undefined,
    parameters: () => [],
  };
}

/** Scales that are a function of the query's row of a trained W, 2R x m. */
abstract class ByRelation implements Scaling {
  readonly #relations: number;
  readonly #teachers: number;
  readonly #parameter: Parameter;

  constructor(relations: number, teachers: number, init: number) {
    checkCount("relations", relations);
    checkCount("teachers", teachers);
    this.#relations = relations;
    this.#teachers = teachers;
    this.#parameter = {
      name: "scaling",
      value: new Float32Array(relations * teachers).fill(init),
      gradient: new Float32Array(relations * teachers),
    };
  }

  /** From a row of W to its scales. */
  protected abstract forward(row: Float32Array, scales: Float32Array): void;
  /** Adds dL/dW to a row's gradient, from dL/dg. */
  protected abstract chain(row: Float32Array, gradScales: Float32Array, gradient: Float32Array): void;

  scales(relations: Int32Array, teachers: number): Float32Array {
    if (teachers !== this.#teachers) {
      throw new MuldeError(
        "SENIOR_SHAPE",
        `The relation scaling was made for ${String(this.#teachers)} teachers, but is used with ${String(teachers)}.`,
      );
    }
    checkIds("relations", relations, 0, this.#relations - 1);
    const scales = new Float32Array(relations.length * teachers);
    relations.forEach((relation, b) => this.forward(this.#row(this.#parameter.value, relation), this.#row(scales, b)));
    return scales;
  }

  /** Added up over the queries of a relation in their order. */
  backward(relations: Int32Array, gradScales: Float32Array): void {
    checkLength("gradScales", gradScales, relations.length * this.#teachers, "B x m");
    checkIds("relations", relations, 0, this.#relations - 1);
    const { value, gradient } = this.#parameter;
    relations.forEach((relation, b) =>
      this.chain(this.#row(value, relation), this.#row(gradScales, b), this.#row(gradient, relation)),
    );
  }

  zeroGradients(): void {
    this.#parameter.gradient.fill(0);
  }

  parameters(): readonly Parameter[] {
    return [this.#parameter];
  }

  #row(table: Float32Array, row: number): Float32Array {
    return table.subarray(row * this.#teachers, (row + 1) * this.#teachers);
  }
}

class RelationScaling extends ByRelation {
  protected forward(row: Float32Array, scales: Float32Array): void {
    row.forEach((w, i) => (scales[i] = sigmoid(w)));
  }
  /** d sigmoid(w) / dw = sigmoid(w) (1 - sigmoid(w)) */
  protected chain(row: Float32Array, gradScales: Float32Array, gradient: Float32Array): void {
    row.forEach((w, i) => {
      const scale = sigmoid(w);
      gradient[i]! += gradScales[i]! * scale * (1 - scale);
    });
  }
}

class SoftmaxWeights extends ByRelation {
  protected forward(row: Float32Array, scales: Float32Array): void {
    const weights = softmax(row);
    weights.forEach((p, i) => (scales[i] = row.length * p));
  }
  /** dL/dw_i = m p_i (dL/dg_i - sum_j p_j dL/dg_j) */
  protected chain(row: Float32Array, gradScales: Float32Array, gradient: Float32Array): void {
    const weights = softmax(row);
    const mean = weights.reduce((sum, p, i) => sum + p * gradScales[i]!, 0);
    weights.forEach((p, i) => (gradient[i]! += row.length * p * (gradScales[i]! - mean)));
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softmax(row: Float32Array): number[] {
  const top = Math.max(...row);
  const exponentials = Array.from(row, (w) => Math.exp(w - top));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((x) => x / sum);
}
