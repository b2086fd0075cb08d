// The two stages of DualDE: Zhu et al., "DualDE: Dually Distilling Knowledge Graph Embedding for Faster and Cheaper Reasoning", WSDM 2022. First
// the teachers are frozen; then they learn too, so that their soft labels come to suit a Junior of few dimensions.
import { type KgeModel, modelTeacher, type TableGradient } from "@mulde/kge-models";
import type { Batch, PreparedData } from "./data.js";
import { distillationObjective } from "./distillation.js";
import { overAllEntities } from "./losses.js";
import type { Objective, StepResult } from "./objective.js";
import { type Trained, trainedTables } from "./optimizer.js";
import type { DistilOptions } from "./options.js";

/**
 * Distillation whose teachers learn as well once `adaptFrom` epochs are over: each minimises L_hard + lambda L_soft of its own, with the Junior
 * as its one teacher, unscaled. All gradients of a step are of the parameters before it.
 *
 * @param main - the Junior's objective, whose teachers are these models among others
 */
export function adaptingObjective(
  main: Objective,
  junior: KgeModel,
  models: readonly KgeModel[],
  options: DistilOptions,
  data: PreparedData,
): Objective {
  const mutual: DistilOptions = {
    ...options,
    // Where nothing is sampled, the best of the model that learns, as for the Junior.
    candidates: overAllEntities(options) ? "junior" : "sampled",
    normalization: "none",
    scaling: "none",
    attention: "uniform",
    confidence: 0,
    unseenQueries: 0,
    refreshTopK: 1,
  };
  const label = [modelTeacher(junior, "Junior")];
  const since = options.adaptFrom * Math.ceil(data.queries.length / options.batchSize);
  const parts = models.map((model, i) => {
    const prefixed = (name: string): string => `adapting.${i}.${name}`;
    const tables = trainedTables(model, options.biases).map((table): Trained => ({
      ...table,
      name: prefixed(table.name),
      since,
    }));
    return { model, prefixed, tables, objective: distillationObjective(model, label, mutual, data) };
  });

  return {
    extra: main.extra,
    ...(main.state && { state: main.state }),
    adapting: { models, tables: parts.flatMap(({ tables }) => tables) },
    async step(batch: Batch): Promise<StepResult> {
      if (batch.epoch < options.adaptFrom) return main.step(batch);
      // The last step moved them.
      for (const model of models) model.touch();
      const { loss, gradients: found, ...rest } = await main.step(batch);
      const gradients = new Map<string, TableGradient>(found);
      let teachers = 0;
      for (const { prefixed, objective } of parts) {
        const { loss: own, gradients: theirs } = await objective.step(batch);
        // Without their Senior's loss, which has nothing to train.
        teachers += own.hard + options.softWeight * own.soft!;
        for (const [name, gradient] of theirs) gradients.set(prefixed(name), gradient);
      }
      return { ...rest, loss: { ...loss, total: loss.total + teachers, teachers }, gradients };
    },
    dispose() {
      main.dispose();
      for (const { objective } of parts) objective.dispose();
    },
  };
}
