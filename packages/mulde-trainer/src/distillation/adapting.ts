// The two stages of DualDE: Zhu et al., "DualDE: Dually Distilling Knowledge Graph Embedding for Faster and Cheaper Reasoning", WSDM 2022. First
// the teachers are frozen; then they learn too, so that their soft labels come to suit a Junior of few dimensions.
import { hasCode, MuldeError } from "@mulde/errors";
import { type KgeModel, modelTeacher, type TableGradient } from "@mulde/kge-models";
import type { TeacherScore } from "@mulde/senior";
import type { TrainingSplit } from "../facts/data.js";
import { overAllEntities } from "../facts/losses.js";
import { orDispose } from "../run/_or-dispose.js";
import type { Objective, StepResult } from "../run/objective.js";
import { type Trained, trainedTables } from "../run/optimizer.js";
import type { DistilOptions } from "../run/options.js";
import type { Batch } from "../step/block.js";
import type { StepControl } from "../step/parts.js";
import { distillationObjective } from "./distillation.js";

/**
 * Distillation in which teachers learn too after `adaptFrom` epochs. Each minimises L_hard + lambda L_soft of its own, with the Junior as its only
 * teacher, unscaled. All gradients of a step are taken at the parameters before it.
 *
 * @param main - the Junior's objective, whose teachers include these models; it is disposed with this one
 */
export function adaptingObjective(
  main: Objective,
  junior: KgeModel,
  models: readonly KgeModel[],
  options: DistilOptions,
  split: TrainingSplit,
): Objective {
  // A teacher sees the facts' own candidates; where nothing is sampled, its own top K, as the Junior does.
  const source = overAllEntities(options.loss.name) ? ("junior" as const) : ("sampled" as const);
  const mutual: DistilOptions = {
    ...options,
    soft: {
      ...options.soft,
      candidates: { ...options.soft.candidates, source, refresh: 1, known: true },
      queries: 0,
      confidence: 0,
    },
    senior: { ...options.senior, normalization: "none", scaling: "none", attention: "uniform" },
  };
  const label = [modelTeacher(junior, "Junior")];
  const since = options.soft.adaptFrom * Math.ceil(split.queries.length / options.batchSize);
  const made: Objective[] = [main];
  const part = (model: KgeModel, i: number) => {
    const prefixed = (name: string): string => `adapting.${i}.${name}`;
    const tables = trainedTables(model, options.model.biases).map((table): Trained => ({
      ...table,
      name: prefixed(table.name),
      since,
    }));
    const objective = distillationObjective(model, label, mutual, split);
    made.push(objective);
    return { model, prefixed, tables, objective };
  };
  const parts = orDispose(made, () => models.map(part));

  return {
    extra: main.extra,
    ...(main.state && { state: main.state }),
    adapting: { models, tables: parts.flatMap(({ tables }) => tables) },
    async step(batch: Batch, control?: StepControl): Promise<StepResult> {
      if (batch.epoch < options.soft.adaptFrom) return main.step(batch, control);
      // The last step moved them.
      for (const model of models) model.touch();
      const { loss, gradients: found, ...rest } = await main.step(batch, control).catch(asTrained);
      const gradients = new Map<string, TableGradient>(found);
      let teachers = 0;
      for (const { prefixed, objective } of parts) {
        const { loss: own, gradients: theirs } = await objective.step(batch, control).catch(asJuniors);
        // Without their Senior's loss, which has nothing to train.
        teachers += own.hard + options.soft.weight * own.soft!;
        for (const [name, gradient] of theirs) gradients.set(prefixed(name), gradient);
      }
      return { ...rest, loss: { ...loss, total: loss.total + teachers, teachers }, gradients };
    },
    dispose() {
      for (const objective of made) objective.dispose();
    },
  };
}

/** Teachers that adapt are trained, so that scores that are not finite are this run's own fault. */
function asTrained(error: unknown): never {
  if (!hasCode(error, ...teacherErrors)) throw error;
  throw new MuldeError(error.code, error.reason, { value: { ...(error.value as TeacherScore), trained: true } });
}

/** In a teacher's own step, the teacher is the Junior. */
function asJuniors(error: unknown): never {
  if (!hasCode(error, ...teacherErrors)) throw error;
  const { head, relation, candidate: entity, score } = error.value as TeacherScore;
  throw new MuldeError("SENIOR_NOT_FINITE", error.reason, { value: { head, relation, entity, score }, cause: error });
}

const teacherErrors = ["SENIOR_TEACHER_NOT_FINITE", "SENIOR_TEACHER_TOO_LARGE"];
