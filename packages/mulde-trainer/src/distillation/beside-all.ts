import type { KgeModel, ModelGradients, QueryLayer } from "@mulde/kge-models";
import { AllEntities } from "../facts/all-entities.js";
import type { TrainingSplit } from "../facts/data.js";
import { orDispose } from "../run/_or-dispose.js";
import type { DistilOptions } from "../run/options.js";
import type { Batch } from "../step/block.js";
import { ScoreMatrix, type MatrixStep } from "../step/matrix.js";
import type { BlockPlan, StepControl } from "../step/parts.js";

/** A hard label over all entities, and the soft one on its candidates: two passes, whose gradients add up. */
export class BesideAllEntities {
  readonly #hard: AllEntities;
  readonly #soft: ScoreMatrix;
  readonly #model: KgeModel;

  /** @param layer - for the facts' pass; the soft label sees the queries as they are */
  constructor(junior: KgeModel, options: DistilOptions, split: TrainingSplit, soft: BlockPlan, layer?: QueryLayer) {
    this.#hard = new AllEntities(junior, options, split, layer);
    this.#soft = orDispose([this.#hard], () => new ScoreMatrix(junior, options.batchSize, [{ blocks: [soft] }]));
    this.#model = junior;
  }

  get state(): ReadonlyMap<string, Float32Array> {
    return this.#soft.state;
  }

  async step(batch: Batch, control?: StepControl): Promise<MatrixStep> {
    const { loss: hard, gradients } = this.#hard.step(batch);
    const { loss, gradients: more } = await this.#soft.step(batch, control);
    this.#add(gradients, more);
    return { loss: { ...loss, hard }, gradients };
  }

  dispose(): void {
    this.#hard.dispose();
    this.#soft.dispose();
  }

  #add(dense: ModelGradients, more: ModelGradients): void {
    for (const [name, { ids, count, values }] of more) {
      const { width } = this.#model.table(name);
      const sum = dense.get(name)!.values;
      for (let i = 0; i < count; i++) {
        const to = (ids === null ? i : ids[i]!) * width;
        for (let k = 0; k < width; k++) sum[to + k]! += values[i * width + k]!;
      }
    }
  }
}
