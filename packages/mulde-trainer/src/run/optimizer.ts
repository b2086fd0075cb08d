import type { Kernels } from "@mulde/kernels";
import type { KgeModel, TableGradient } from "@mulde/kge-models";
import { orDispose } from "./_or-dispose.js";
import type { RunOptions } from "./options.js";

/** A table that an optimizer moves. */
export interface Trained {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
  /** whether weight decay applies: to embeddings, not to biases, curvatures and gates */
  readonly decays: boolean;
  /** Steps before its first gradient; Adam's bias correction starts there. 0 unless given. */
  readonly since?: number;
}

/** A gradient that is not finite, or whose square is not in float32. */
export interface OddGradient {
  readonly table: string;
  /** the row, of `rows` */
  readonly row: number;
  readonly rows: number;
  readonly value: number;
}

// The defaults of Kingma & Ba 2015, as in PyTorch and both reference implementations.
const beta1 = 0.9;
const beta2 = 0.999;
const adamEpsilon = 1e-8;
// PyTorch's for Adagrad.
const adagradEpsilon = 1e-10;

/** The tables of a model. Without `biases` those of the entities stay as they are: 0 in a new model. */
export function trainedTables(model: KgeModel, biases = true): Trained[] {
  const tables = [...model.tables.values()].filter(({ name }) => biases || !["headBias", "tailBias"].includes(name));
  return tables.map(({ name, rows, width, data }) => ({
    name,
    rows,
    width,
    data,
    decays: name === "entity" || name in model.definition.tables,
  }));
}

/** Adam or Adagrad over named tables. Its state can be saved and restored by name. */
export class Optimizer {
  readonly #moments = new Map<string, Float32Array[]>();

  constructor(
    readonly kernels: Kernels,
    readonly tables: readonly Trained[],
    readonly options: RunOptions["optimizer"],
  ) {
    const count = options.name === "adam" ? 2 : 1;
    orDispose([this], () => {
      for (const { name, data } of tables) {
        const moments: Float32Array[] = [];
        this.#moments.set(name, moments);
        while (moments.length < count) moments.push(kernels.engine.float32(data.length));
      }
    });
  }

  /**
   * One update; `step` counts from 1. Tables without a gradient stay as they are. Gradients are clipped in place.
   *
   * @returns the first gradient that is not finite, or undefined. The tables are then spoilt.
   */
  update(gradients: ReadonlyMap<string, TableGradient>, step: number, learningRate: number): OddGradient | undefined {
    const { name: kind, sparse, clipNorm } = this.options;
    if (clipNorm > 0) this.#clip(gradients, clipNorm);
    for (const { name, rows, width, data, decays, since = 0 } of this.tables) {
      const gradient = gradients.get(name);
      if (!gradient) continue;
      const { ids, count, values } = gradient;
      const update = { rows, dim: width, ids, count, sparse, gradient: values, parameters: data };
      const weightDecay = decays ? this.options.weightDecay : 0;
      const [first, second] = this.#moments.get(name)!;
      if (kind === "adam") {
        const options = { learningRate, beta1, beta2, epsilon: adamEpsilon, step: step - since, weightDecay };
        if (this.kernels.adam(update, { first: first!, second: second! }, options)) continue;
      } else {
        const options = { learningRate, epsilon: adagradEpsilon, weightDecay };
        if (this.kernels.adagrad(update, { sum: first! }, options)) continue;
      }
      return { table: name, rows, ...oddRow(gradient, width) };
    }
    return undefined;
  }

  /** Scales gradients down to `limit` where the norm of all of them together is greater. */
  #clip(gradients: ReadonlyMap<string, TableGradient>, limit: number): void {
    const used = this.tables.flatMap(({ name, width }) => {
      const gradient = gradients.get(name);
      return gradient ? [gradient.values.subarray(0, gradient.count * width)] : [];
    });
    let square = 0;
    for (const values of used) for (const g of values) square += g * g;
    const norm = Math.sqrt(square);
    // A NaN and an infinity are left for the update to find.
    if (!(norm > limit && norm < Infinity)) return;
    for (const values of used) for (let i = 0; i < values.length; i++) values[i]! *= limit / norm;
  }

  /** The state by name, to be saved, or filled by a checkpoint. */
  state(): ReadonlyMap<string, Float32Array> {
    const state = new Map<string, Float32Array>();
    for (const [name, moments] of this.#moments) moments.forEach((data, i) => state.set(`${name}.${i}`, data));
    return state;
  }

  dispose(): void {
    for (const moments of this.#moments.values()) this.kernels.engine.free(...moments);
  }
}

/** Where a gradient, or its square, is not finite; the largest value where the sum of many steps' squares is not. */
function oddRow(
  { ids, count, values }: TableGradient,
  width: number,
): { readonly row: number; readonly value: number } {
  let at = 0;
  for (let i = 0; i < count * width; i++) {
    const square = Math.fround(values[i]! * values[i]!);
    if (Math.abs(values[i]!) > Math.abs(values[at]!)) at = i;
    if (Number.isFinite(square)) continue;
    at = i;
    break;
  }
  const row = Math.floor(at / width);
  return { row: ids === null ? row : ids[row]!, value: values[at]! };
}

/** The learning rate of a step (from 0) out of `steps`, after `drops` validations without a better MRR. */
export function learningRateAt(
  step: number,
  steps: number,
  options: {
    readonly optimizer: Pick<RunOptions["optimizer"], "learningRate">;
    readonly schedule: RunOptions["schedule"];
  },
  drops = 0,
): number {
  const { learningRate } = options.optimizer;
  const { name: schedule, warmup } = options.schedule;
  const rising = Math.floor(warmup * steps);
  if (step < rising) return (learningRate * (step + 1)) / rising;
  if (schedule === "constant") return learningRate;
  if (schedule === "plateau") return learningRate * 0.5 ** drops;
  const part = (step - rising) / Math.max(1, steps - rising);
  return (learningRate * (1 + Math.cos(Math.PI * part))) / 2;
}
