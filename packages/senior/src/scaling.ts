import { checkCount, checkIds, checkLength } from "./_check.js";
import { MuldeError } from "./errors.js";

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

/** No scaling: every scale is 1 and nothing is trained. */
export function noScaling(): Scaling {
  return {
    scales: (relations, teachers) => new Float32Array(relations.length * teachers).fill(1),
    backward: () => undefined,
    zeroGradients: () => undefined,
    parameters: () => [],
  };
}

class RelationScaling implements Scaling {
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

  scales(relations: Int32Array, teachers: number): Float32Array {
    if (teachers !== this.#teachers) {
      throw new MuldeError(
        "SENIOR_SHAPE",
        `The relation scaling was made for ${String(this.#teachers)} teachers, but is used with ${String(teachers)}.`,
      );
    }
    checkIds("relations", relations, 0, this.#relations - 1);
    const { value } = this.#parameter;
    const scales = new Float32Array(relations.length * teachers);
    for (let b = 0; b < relations.length; b++) {
      const row = relations[b]! * teachers;
      for (let i = 0; i < teachers; i++) scales[b * teachers + i] = sigmoid(value[row + i]!);
    }
    return scales;
  }

  /** d sigmoid(w) / dw = sigmoid(w) (1 - sigmoid(w)), added up over the queries of a relation in their order. */
  backward(relations: Int32Array, gradScales: Float32Array): void {
    const teachers = this.#teachers;
    checkLength("gradScales", gradScales, relations.length * teachers, "B x m");
    checkIds("relations", relations, 0, this.#relations - 1);
    const { value, gradient } = this.#parameter;
    for (let b = 0; b < relations.length; b++) {
      const row = relations[b]! * teachers;
      for (let i = 0; i < teachers; i++) {
        const scale = sigmoid(value[row + i]!);
        gradient[row + i]! += gradScales[b * teachers + i]! * scale * (1 - scale);
      }
    }
  }

  zeroGradients(): void {
    this.#parameter.gradient.fill(0);
  }

  parameters(): readonly Parameter[] {
    return [this.#parameter];
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
