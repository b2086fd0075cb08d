import type { Labels } from "@mulde/kernels";
import { AllPass, type KgeModel, type ModelGradients, type QueryLayer } from "@mulde/kge-models";
import type { RunOptions } from "../run/options.js";
import type { Batch } from "../step/block.js";
import type { TrainingSplit } from "./data.js";

/** The facts' loss over all entities: 1vsAll takes each query's one answer, KvsAll and KvsAllSoftmax all known answers. */
export class AllEntities {
  readonly #pass: AllPass;
  readonly #options: RunOptions["loss"];
  readonly #split: TrainingSplit;

  constructor(
    model: KgeModel,
    { loss, batchSize }: Pick<RunOptions, "loss" | "batchSize">,
    split: TrainingSplit,
    layer?: QueryLayer,
  ) {
    this.#pass = new AllPass(model, batchSize, layer);
    this.#options = loss;
    this.#split = split;
  }

  step(batch: Batch): { loss: number; gradients: ModelGradients } {
    const { name, smoothing } = this.#options;
    const kind = name === "KvsAll" ? "logistic" : "softmax";
    return this.#pass.loss(batch.heads, batch.relations, this.#labels(batch), { kind, smoothing });
  }

  dispose(): void {
    this.#pass.dispose();
  }

  #labels({ heads, relations, tails }: Batch): Labels {
    if (this.#options.name === "1vsAll") {
      return { offsets: Int32Array.from({ length: tails.length + 1 }, (_, b) => b), ids: tails };
    }
    const answers = this.#split.answers();
    const offsets = new Int32Array(heads.length + 1);
    const lists = Array.from(heads, (h, b) => answers.answers(h, relations[b]!));
    lists.forEach(({ length }, b) => (offsets[b + 1] = offsets[b]! + length));
    const ids = new Int32Array(offsets.at(-1)!);
    lists.forEach((list, b) => ids.set(list, offsets[b]));
    return { offsets, ids };
  }
}
