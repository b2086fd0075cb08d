import { MuldeError } from "@mulde/errors";
import { checkArray, checkCount, checkIds, checkLength } from "./_check.js";
import type { Parameter } from "./parameter.js";

/** Scales each teacher's scores for each query, before the attention: s'_i = g_i s_i. */
export interface Scaling {
  /** The scales g, B x m, of B relation ids and m teachers. */
  scales(relations: Int32Array, teachers: number): Float32Array;
  /** Adds dL/dg (B x m), at the same B relation ids, to the gradients of the parameters that g depends on. */
  backward(relations: Int32Array, gradScales: Float32Array): void;
  /** Sets the gradients to 0. */
  zeroGradients(): void;
  /** What to train, of any number and length; none if the scaling is fixed. Names must differ. */
  parameters(): readonly Parameter[];
}

export interface RelationScalingOptions {
  /** 2R: relations with their reciprocals. */
  readonly relations: number;
  /** m. */
  readonly teachers: number;
  /** Initial value of every W[r, i]. Default 1, as in the paper: every scale starts at sigmoid(1) = .731. */
  readonly init?: number;
}

/**
 * Relation-specific scaling (MulDE, section 4.2): g_i = sigmoid(W[r, i]) for a query of relation r, with a trainable W of 2R x m.
 * Each relation learns how far to trust each teacher. W is the one parameter, named "scaling".
 *
 * @throws MuldeError SENIOR_SHAPE for counts below 1 or arrays of the wrong length, SENIOR_ID for a relation outside 0..2R-1
 */
export function relationScaling(options: RelationScalingOptions): Scaling {
  return new RelationScaling(options.relations, options.teachers, options.init ?? 1);
}

/**
 * One weight for each teacher and relation, learned: g_i = m softmax_i(W[r]). Use it with `uniformAttention()`, which divides by m.
 * All weights start at 1/m (W = 0). W, 2R x m, is the one parameter, named "scaling".
 *
 * @throws MuldeError SENIOR_SHAPE for counts below 1 or arrays of the wrong length, SENIOR_ID for a relation outside 0..2R-1
 */
export function softmaxWeights(options: Omit<RelationScalingOptions, "init">): Scaling {
  return new SoftmaxWeights(options.relations, options.teachers, 0);
}

/**
 * The weights that you choose, for every query: g_i = m w_i, with w scaled to sum to 1. Use it with `uniformAttention()`. It trains nothing.
 *
 * @param weights - m
 * @throws MuldeError SENIOR_WEIGHTS for weights that are negative, not finite, or all 0; SENIOR_SHAPE if there is not one for each teacher
 */
export function fixedWeights(weights: readonly number[]): Scaling {
  checkArray("weights", weights);
  const sum = weights.reduce((a, b) => a + b, 0);
  if (!(sum > 0 && sum < Infinity && weights.every((w) => w >= 0))) {
    throw new MuldeError(
      "SENIOR_WEIGHTS",
      `Weights must be finite, at least 0, and not all 0, but are ${weights.join(", ")}.`,
      { value: weights },
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

/** Every scale is 1. It trains nothing. */
export function noScaling(): Scaling {
  return {
    scales: (relations, teachers) => new Float32Array(relations.length * teachers).fill(1),
    backward: () => undefined,
    zeroGradients: () => undefined,
    parameters: () => [],
  };
}

/** Scales computed from row r of a trained W, 2R x m, for a query of relation r. */
abstract class ByRelation implements Scaling {
  readonly #relations: number;
  readonly #teachers: number;
  readonly #parameter: Parameter;

  constructor(relations: number, teachers: number, init: number) {
    checkCount("relations", relations);
    checkCount("teachers", teachers);
    checkCount("relations x teachers", relations * teachers);
    this.#relations = relations;
    this.#teachers = teachers;
    this.#parameter = {
      name: "scaling",
      rows: relations,
      width: teachers,
      value: new Float32Array(relations * teachers).fill(init),
      gradient: new Float32Array(relations * teachers),
    };
  }

  /** Writes the scales of a row of W. */
  protected abstract forward(row: Float32Array, scales: Float32Array): void;
  /** Adds dL/dW of a row to its gradient, given dL/dg. */
  protected abstract chain(row: Float32Array, gradScales: Float32Array, gradient: Float32Array): void;

  scales(relations: Int32Array, teachers: number): Float32Array {
    if (teachers !== this.#teachers) {
      throw new MuldeError(
        "SENIOR_SHAPE",
        `The scaling was made for ${String(this.#teachers)} teachers, but is used with ${String(teachers)}; pass the same number to both.`,
      );
    }
    checkIds("relations", relations, 0, this.#relations - 1);
    const scales = new Float32Array(relations.length * teachers);
    relations.forEach((relation, b) => this.forward(this.#row(this.#parameter.value, relation), this.#row(scales, b)));
    return scales;
  }

  /** Queries of one relation add up in their order, so the sum does not depend on anything else. */
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
