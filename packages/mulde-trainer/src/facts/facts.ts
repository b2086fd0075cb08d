import type { KgeModel, ModelGradients } from "@mulde/kge-models";
import { builtInRules } from "../rules/built-in.js";
import type { AnswerRule } from "../rules/rule.js";
import { checkOptions } from "../run/clashes.js";
import type { Objective, StepResult } from "../run/objective.js";
import type { RunOptions } from "../run/options.js";
import { namedSeed } from "../run/streams.js";
import type { Batch } from "../step/block.js";
import { ScoreMatrix, widthOf } from "../step/matrix.js";
import type { BlockPlan, CandidateSource, Label, QuerySource, RowPlan, StepControl } from "../step/parts.js";
import { AllEntities } from "./all-entities.js";
import { bothEndsPlan } from "./both-ends.js";
import { noTrainingSplit, type TrainingSplit } from "./data.js";
import { hardLabel } from "./hard-label.js";
import { overAllEntities } from "./losses.js";
import { UniformNegatives } from "./negatives.js";
import { trainingLayer } from "./query-layers.js";
import { Regularizer } from "./regularizer.js";

/** Parts of your own in place of those that the options name, or beside them. `dispose` of each is called when the run ends. */
export interface StepParts {
  /** Beside those of the option `rules`. */
  readonly rules?: readonly AnswerRule[];
  /**
   * Queries beside the facts' own: in `train` with their answers as tails, which the facts' loss learns; in `distil` the teachers answer
   * them.
   */
  readonly queries?: readonly QuerySource[];
  /** In place of uniform negatives: the true answer first in each row. */
  readonly negatives?: CandidateSource;
  /** The loss of the facts, in place of that of the option `loss`. */
  readonly label?: Label;
}

/**
 * Learning from the facts alone, with sampled negatives or over all entities.
 *
 * @param split - what `prepareData` makes; needed for losses of all known answers, for `negatives.filter` and for rules
 * @throws MuldeError TRAINER_OPTION for options that do not go together or do not suit the model
 */
export function factsObjective(
  model: KgeModel,
  options: RunOptions,
  split: TrainingSplit = noTrainingSplit,
  parts: StepParts = {},
): Objective {
  checkOptions(options, model.config);
  const layer = trainingLayer(model, options);
  const regularizer = new Regularizer(model, options.regularizer);
  const pass = overAllEntities(options.loss.name)
    ? allEntities(new AllEntities(model, options, split, layer))
    : sampled(new ScoreMatrix(model, options.batchSize, factsPlans(model, options, split, parts), layer));
  return {
    extra: [],
    ...(pass.state && { state: pass.state }),
    async step(batch: Batch, control?: StepControl): Promise<StepResult> {
      layer?.begin(batch.step, batch.heads.length);
      const { loss, gradients } = await pass.step(batch, control);
      const total = loss + regularizer.add(batch, gradients) + (layer?.loss ?? 0);
      return { loss: { total, hard: total }, gradients };
    },
    dispose: () => pass.dispose(),
  };
}

/** The rules of a run: those that its options name, then the user's. */
export function rulesOf(options: RunOptions, split: TrainingSplit, parts: StepParts): AnswerRule[] {
  return [...builtInRules(options.rules, () => split.answers()), ...(parts.rules ?? [])];
}

/** The facts' candidates with their hard label. */
export function factsBlock(
  { kernels, entities }: KgeModel,
  options: RunOptions,
  split: TrainingSplit,
  parts: StepParts,
  rules: readonly AnswerRule[],
): BlockPlan {
  const source = parts.negatives ?? new UniformNegatives(kernels, entities, options, rules, () => split.answers());
  return { source, labels: [parts.label ?? hardLabel(kernels, options.loss)] };
}

/** Negatives with both ends random, where the options ask for them. */
export function bothEndsPlans({ kernels, entities }: KgeModel, options: RunOptions, width: number): RowPlan[] {
  return options.negatives.bothEnds > 0 ? [bothEndsPlan(kernels, entities, options, width)] : [];
}

function factsPlans(model: KgeModel, options: RunOptions, split: TrainingSplit, parts: StepParts): RowPlan[] {
  const { kernels, entities } = model;
  const rules = rulesOf(options, split, parts);
  const own: RowPlan = { blocks: [factsBlock(model, options, split, parts, rules)] };
  const more = (parts.queries ?? []).map((queries): RowPlan => {
    // Negatives of their own: those of the facts would be the same for the same row.
    const seed = namedSeed(options.seed, queries.name);
    const source =
      parts.negatives ?? new UniformNegatives(kernels, entities, options, rules, () => split.answers(), seed);
    return { queries, blocks: [{ source, labels: own.blocks[0]!.labels }] };
  });
  return [own, ...more, ...bothEndsPlans(model, options, widthOf(own))];
}

/** What both kinds of step come to here. */
interface FactsPass {
  readonly state?: ReadonlyMap<string, Float32Array>;
  step(batch: Batch, control?: StepControl): Promise<{ readonly loss: number; readonly gradients: ModelGradients }>;
  dispose(): void;
}

function allEntities(pass: AllEntities): FactsPass {
  return { step: (batch) => Promise.resolve(pass.step(batch)), dispose: () => pass.dispose() };
}

function sampled(matrix: ScoreMatrix): FactsPass {
  return {
    state: matrix.state,
    step: async (batch, control) => {
      const { loss, gradients } = await matrix.step(batch, control);
      return { loss: loss.hard, gradients };
    },
    dispose: () => matrix.dispose(),
  };
}
