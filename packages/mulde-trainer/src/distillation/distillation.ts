import { MuldeError } from "@mulde/errors";
import type { KgeModel, TableGradient } from "@mulde/kge-models";
import { Senior, type Teacher } from "@mulde/senior";
import { noTrainingSplit, type TrainingSplit } from "../facts/data.js";
import { bothEndsPlans, factsBlock, rulesOf, type StepParts } from "../facts/facts.js";
import { overAllEntities } from "../facts/losses.js";
import { trainingLayer } from "../facts/query-layers.js";
import { Regularizer } from "../facts/regularizer.js";
import { checkOptions } from "../run/clashes.js";
import { type Objective, seniorPrefix, type StepResult } from "../run/objective.js";
import type { Trained } from "../run/optimizer.js";
import type { DistilOptions } from "../run/options.js";
import type { Batch } from "../step/block.js";
import { ScoreMatrix, widthOf } from "../step/matrix.js";
import type { BlockPlan, CandidateSource, QuerySource, RowPlan, StepControl } from "../step/parts.js";
import type { AnswerRule } from "../rules/rule.js";
import { allCandidates, JuniorsBest, randomCandidates } from "./candidates.js";
import { Confidence } from "./confidence.js";
import { BesideAllEntities } from "./beside-all.js";
import { PlausibleQueries } from "./plausible-queries.js";
import { type SeniorParts, seniorParts } from "./senior-parts.js";
import { SoftLabel } from "./soft-label.js";
import { TopKMemory } from "./top-k-memory.js";

/** An objective with the Senior that it trains. */
export interface DistillationObjective extends Objective {
  readonly senior: Senior;
}

/** Parts of your own for distillation: those of `StepParts`, and these. */
export interface DistillationParts extends StepParts {
  /** Candidates of the soft label, in place of those of the option `soft.candidates`. */
  readonly candidates?: CandidateSource;
  /** Mechanisms of the Senior, in place of those of the options `senior`. */
  readonly senior?: SeniorParts;
}

/** What a distillation step consists of, beside the parts themselves. */
interface Context {
  readonly junior: KgeModel;
  readonly teachers: readonly Teacher[];
  readonly senior: Senior;
  readonly options: DistilOptions;
  readonly split: TrainingSplit;
  readonly parts: DistillationParts;
  readonly rules: readonly AnswerRule[];
}

/**
 * One step of MulDE: L = L_hard + lambda L_soft + L_senior. The Junior scores all entities, teachers score its top K, the Senior merges their
 * scores into a soft label, and the Junior learns from that label and from the facts.
 *
 * @param split - what `prepareData` makes; needed for losses of all known answers, `negatives.filter`, rules, `soft.queries`, and
 *   `soft.candidates` with `refresh` or `known: false`
 * @throws MuldeError TRAINER_OPTION for options that do not go together or do not suit the Junior
 */
export function distillationObjective(
  junior: KgeModel,
  teachers: readonly Teacher[],
  options: DistilOptions,
  split: TrainingSplit = noTrainingSplit,
  parts: DistillationParts = {},
): DistillationObjective {
  checkOptions(options, junior.config);
  checkWidth(options, junior.entities, parts);
  const { kernels, relations } = junior;
  const senior = new Senior({
    teachers: teachers.length,
    relations: 2 * relations,
    kernels,
    ...seniorParts(options.senior, 2 * relations, teachers.length),
    ...parts.senior,
    temperature: options.soft.temperature,
    trainOnSoftLabels: options.senior.trainOnSoft,
  });
  const layer = trainingLayer(junior, options);
  const regularizer = new Regularizer(junior, options.regularizer);
  const context = { junior, teachers, senior, options, split, parts, rules: rulesOf(options, split, parts) };
  const pass: ScoreMatrix | BesideAllEntities = overAllEntities(options.loss.name)
    ? new BesideAllEntities(junior, options, split, softBlock(context), layer)
    : new ScoreMatrix(junior, options.batchSize, sampledPlans(context), layer);
  // Tables of the Senior stand beside the model's, which may have the same names.
  const parameters = senior
    .parameters()
    .map((parameter) => ({ ...parameter, name: `${seniorPrefix}${parameter.name}` }));

  async function step(batch: Batch, control?: StepControl): Promise<StepResult> {
    layer?.begin(batch.step, batch.heads.length);
    const { loss, gradients: found } = await pass.step(batch, control);
    const hard = loss.hard + regularizer.add(batch, found) + (layer?.loss ?? 0);
    const gradients = new Map<string, TableGradient>(found);
    for (const { name, rows, gradient } of parameters)
      gradients.set(name, { ids: null, count: rows, values: gradient });
    const total = hard + options.soft.weight * loss.soft + loss.senior;
    const { attention = [] } = loss;
    return { loss: { total, hard, soft: loss.soft, senior: loss.senior }, attention, gradients };
  }

  return {
    senior,
    extra: parameters.map(({ name, rows, width, value }): Trained => ({
      name,
      rows,
      width,
      data: value,
      decays: false,
    })),
    state: pass.state,
    step,
    dispose: () => pass.dispose(),
  };
}

/**
 * Refuses queries that teachers answer beside the facts' own if they have too few entities: each is as wide as both labels of a fact together.
 *
 * @throws MuldeError TRAINER_OPTION
 */
export function checkWidth(options: DistilOptions, entities: number, parts: DistillationParts): void {
  const asked =
    options.soft.queries > 0 ? ["soft", "queries"] : parts.queries?.length ? ["parts", "queries"] : undefined;
  if (!asked) return;
  const facts = parts.negatives?.K ?? 1 + options.negatives.count;
  const shared = options.soft.candidates.source === "sampled" && !parts.candidates;
  const width = facts + (shared ? 0 : (parts.candidates?.K ?? softWidth(options, entities)));
  if (width <= entities) return;
  throw new MuldeError(
    "TRAINER_OPTION",
    `it compares 1 + negatives.count + soft.candidates.k = ${width} candidates, but there are ${entities} entities; lower one of them.`,
    { path: asked },
  );
}

/** K of the soft label's candidates. */
function softWidth({ soft }: DistilOptions, entities: number): number {
  return soft.candidates.source === "all" ? entities : Math.min(soft.candidates.k, entities);
}

/** A hard label on sampled candidates: those of both labels are scored in one pass, side by side in a row. */
function sampledPlans(context: Context): RowPlan[] {
  const { junior, teachers, senior, options, split, parts, rules } = context;
  const facts = factsBlock(junior, options, split, parts, rules);
  const { weight, candidates, confidence } = options.soft;
  const shared = candidates.source === "sampled" && !parts.candidates;
  const soft = shared ? { source: facts.source, labels: [softLabel(context, facts.source.K)] } : softBlock(context);
  const sure = confidence > 0 ? new Confidence(teachers, senior, confidence) : undefined;
  const hardLabels = sure ? facts.labels.map((label) => sure.weighted(label, "hard")) : facts.labels;
  const softLabels = sure ? soft.labels.map((label) => sure.weighted(label, "soft")) : soft.labels;
  const own: RowPlan = {
    blocks: shared
      ? [{ source: facts.source, labels: [...hardLabels, ...softLabels] }]
      : [
          { source: facts.source, labels: hardLabels },
          { source: soft.source, labels: softLabels },
        ],
  };
  const width = widthOf(own);
  const asked = [
    ...plausible(context),
    ...(parts.queries ?? []).map((queries) => ({
      queries,
      share: queries.size(options.batchSize) / options.batchSize,
    })),
  ].map(({ queries, share }): RowPlan => {
    return { queries, blocks: [softOnly(context, queries, width, weight * share, share)] };
  });
  return [own, ...asked, ...bothEndsPlans(junior, options, width)];
}

/** The plausible queries that the options ask for, with their number for each query of the facts. */
function plausible({ options, split }: Context): { queries: QuerySource; share: number }[] {
  const { queries: ratio } = options.soft;
  return ratio > 0 ? [{ queries: new PlausibleQueries(split.queries, ratio, options.seed), share: ratio }] : [];
}

/** Queries that teachers answer beside the facts' own: as wide as both labels of a fact together. */
function softOnly(context: Context, queries: QuerySource, K: number, weight: number, share: number): BlockPlan {
  const { junior, options, split } = context;
  const rows = queries.size(options.batchSize);
  const known = options.soft.candidates.known ? undefined : split.answers();
  return {
    source: new JuniorsBest(junior, K, undefined, known),
    labels: [softLabel(context, K, { rows, weight, share, trainsSenior: false })],
  };
}

/** The soft label's candidates of the facts' queries, with the label. */
function softBlock(context: Context): BlockPlan {
  const { junior, teachers, options, split, parts } = context;
  const { source: name, refresh, known } = options.soft.candidates;
  const K = softWidth(options, junior.entities);
  if (parts.candidates) return { source: parts.candidates, labels: [softLabel(context, parts.candidates.K)] };
  if (name === "all") return { source: allCandidates(junior), labels: [softLabel(context, K)] };
  if (name === "random") return { source: randomCandidates(junior, K, options), labels: [softLabel(context, K)] };
  const frozen = options.soft.adaptFrom === 0 ? teachers.length : 0;
  const memory = refresh > 1 ? new TopKMemory(split.queries, junior.relations, refresh, K, frozen) : undefined;
  const source = new JuniorsBest(junior, K, memory, known ? undefined : split.answers());
  return { source, labels: [softLabel(context, K, { memory })] };
}

function softLabel(
  { junior, teachers, senior, options, rules }: Context,
  K: number,
  rest: Partial<ConstructorParameters<typeof SoftLabel>[0]> = {},
): SoftLabel {
  const { kernels } = junior;
  const { batchSize: rows } = options;
  return new SoftLabel({ kernels, teachers, senior, rules, rows, K, weight: options.soft.weight, ...rest });
}
