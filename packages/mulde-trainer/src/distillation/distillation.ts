import type { KgeModel, TableGradient } from "@mulde/kge-models";
import { Senior, type Teacher } from "@mulde/senior";
import { type Batch, type KnownTraining, unknownTails } from "./data.js";
import { BesideAllEntities, BesideSampled, othersOf, type SoftOnly } from "./distillation-passes.js";
import { MuldeError } from "@mulde/errors";
import { overAllEntities } from "./losses.js";
import type { Objective, StepResult } from "./objective.js";
import type { Trained } from "./optimizer.js";
import { checkOptions } from "./option-rules.js";
import type { DistilOptions } from "./options.js";
import { trainingLayer } from "./query-layers.js";
import { Regularizer } from "./regularizer.js";
import { type SeniorParts, seniorParts } from "./senior-parts.js";
import { SoftLabel } from "./soft-label.js";
import { UnseenQueries } from "./unseen-queries.js";

/** An objective with the Senior that it trains. */
export interface DistillationObjective extends Objective {
  readonly senior: Senior;
}

/** The queries with a soft label alone that the options ask for. */
function softOnly(
  junior: KgeModel,
  teachers: readonly Teacher[],
  senior: Senior,
  options: DistilOptions,
  known: KnownTraining,
): SoftOnly | undefined {
  const { unseenQueries: ratio, topK, negatives, batchSize, softWeight, seed } = options;
  if (ratio === 0) return undefined;
  if (!known.queries) {
    throw new MuldeError(
      "TRAINER_DATA",
      "unseenQueries needs the training split: pass prepareData(data) to the objective.",
    );
  }
  const width = 1 + negatives + Math.min(topK, junior.entities);
  if (width > junior.entities) {
    throw new MuldeError(
      "TRAINER_OPTION",
      `unseenQueries compares 1 + negatives + topK = ${width} candidates, but there are ${junior.entities} entities; lower topK or negatives.`,
    );
  }
  const own = { topK: width, batchSize: othersOf(batchSize, ratio), softWeight: softWeight * ratio, refreshTopK: 1 };
  const label = new SoftLabel(junior, teachers, senior, { ...options, ...own }, known);
  return { queries: new UnseenQueries(known.queries, seed), ratio, label };
}

/**
 * One step of MulDE: L = L_hard + lambda L_soft + L_senior. The Junior scores all entities, its K best go to the teachers, the Senior
 * merges their scores into a soft label, and the Junior learns from that label and from the facts.
 *
 * @param known - what `prepareData` makes; losses of all known answers, `filterNegatives`, `headNegative`, `neighbourNegative`,
 *   `functional` and `filterCandidates` need it
 * @param parts - mechanisms of the Senior in place of those that the options name
 * @throws MuldeError TRAINER_OPTION for options that do not go together or not with the Junior
 */
export function distillationObjective(
  junior: KgeModel,
  teachers: readonly Teacher[],
  options: DistilOptions,
  known: KnownTraining = unknownTails,
  parts: SeniorParts = {},
): DistillationObjective {
  checkOptions(options, junior.config);
  const { kernels, relations } = junior;
  const m = teachers.length;
  const senior = new Senior({
    teachers: m,
    relations: 2 * relations,
    kernels,
    ...seniorParts(options, 2 * relations, m),
    ...parts,
    temperature: options.temperature,
    trainOnSoftLabels: options.trainOnSoft,
  });
  const layer = trainingLayer(junior, options);
  const regularizer = new Regularizer(junior, options);
  const soft = new SoftLabel(junior, teachers, senior, options, known);
  const passes = overAllEntities(options)
    ? new BesideAllEntities(junior, options, known, soft, layer)
    : new BesideSampled(junior, options, known, soft, layer, softOnly(junior, teachers, senior, options, known));

  async function step(batch: Batch): Promise<StepResult> {
    layer?.begin(batch.step, batch.heads.length);
    const { hard: facts, soft: softLoss, senior: seniorLoss, attention, gradients: found } = await passes.step(batch);
    const hard = facts + regularizer.add(batch, found) + (layer?.loss ?? 0);
    const gradients = new Map<string, TableGradient>(found);
    for (const parameter of senior.parameters()) {
      gradients.set(parameter.name, { ids: null, count: parameter.value.length / m, values: parameter.gradient });
    }
    const total = hard + options.softWeight * softLoss + seniorLoss;
    return { loss: { total, hard, soft: softLoss, senior: seniorLoss }, attention, gradients };
  }

  return {
    senior,
    extra: senior
      .parameters()
      .map(({ name, value }): Trained => ({ name, rows: value.length / m, width: m, data: value, decays: false })),
    state: soft.state(),
    step,
    dispose() {
      passes.dispose();
      soft.dispose();
    },
  };
}
