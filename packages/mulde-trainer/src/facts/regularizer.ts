import type { KgeModel, ModelGradients, TableGradient } from "@mulde/kge-models";
import type { RunOptions } from "../run/options.js";
import type { Batch } from "../step/block.js";

/** Only the direction of these tables' rows matters, so their size is not penalised. */
const normalised = new Set(["rotation", "reflection"]);

/**
 * Penalties of the embeddings of a batch's true triples, averaged over the batch. With the weight lambda:
 * - F2: lambda (|h|^2 + |r|^2 + |t|^2),
 * - N3: lambda (|h|_3^3 + |r|_3^3 + |t|_3^3), by the moduli of complex numbers and quaternions (Lacroix et al., ICML 2018),
 * - DURA: lambda (|q|^2 + |t|^2) with q the query; with reciprocal relations this is the paper's (Zhang et al., NeurIPS 2020).
 *   `trainingLayer` has its first term.
 */
export class Regularizer {
  readonly #model: KgeModel;
  readonly #options: RegularizerOptions;
  readonly #relationTables: readonly string[];

  constructor(model: KgeModel, options: RegularizerOptions) {
    this.#model = model;
    this.#options = options;
    const { tables } = model.definition;
    this.#relationTables = Object.keys(tables).filter(
      (name) => !normalised.has(name) && model.table(name).rows === 2 * model.relations,
    );
  }

  /** Adds the penalties' gradients to those of a pass over the batch; returns what they add to the loss. */
  add({ heads, relations, tails }: Batch, gradients: ModelGradients): number {
    const { name: kind, weight: lambda } = this.#options;
    if (kind === "none" || lambda === 0) return 0;
    const weight = lambda / heads.length;
    let loss = 0;
    if (kind !== "DURA") loss += this.#penalise("entity", heads, weight, gradients);
    loss += this.#penalise("entity", tails, weight, gradients);
    if (kind === "DURA") return loss;
    for (const name of this.#relationTables) {
      loss += this.#penalise(name, relations, weight, gradients);
    }
    return loss;
  }

  #penalise(name: string, rows: Int32Array, weight: number, gradients: ModelGradients): number {
    const { data, width } = this.#model.table(name);
    const gradient = gradients.get(name)!;
    const { values } = gradient;
    const cubic = this.#options.name === "N3";
    const components = cubic ? (this.#model.definition.components ?? 1) : 1;
    let sum = 0;
    for (const row of rows) {
      const from = row * width;
      const to = rowOf(gradient, row) * width;
      for (let k = 0; k < width; k += components) {
        let square = 0;
        for (let j = k; j < k + components; j++) square += data[from + j]! ** 2;
        const modulus = cubic ? Math.sqrt(square) : 1;
        const slope = weight * (cubic ? 3 * modulus : 2);
        sum += square * modulus;
        for (let j = k; j < k + components; j++) values[to + j]! += slope * data[from + j]!;
      }
    }
    return weight * sum;
  }
}

type RegularizerOptions = Pick<RunOptions["regularizer"], "name" | "weight">;

/** Where a gradient keeps a table's row, which it must have. */
function rowOf({ ids, count }: TableGradient, row: number): number {
  if (ids === null) return row;
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
