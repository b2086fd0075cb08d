import { CandidatePass, type KgeModel, type TableGradient } from "@mulde/kge-models";
import {
  collectScores,
  contrastAttention,
  noScaling,
  relationScaling,
  Senior,
  type Teacher,
  uniformAttention,
} from "@mulde/senior";
import { type Batch, seedOf } from "./data.js";
import { MuldeError } from "./error.js";
import { hardLoss, negativesStream } from "./facts.js";
import type { Objective, StepResult } from "./objective.js";
import type { Trained } from "./optimizer.js";
import type { DistilOptions } from "./options.js";

// A stream of random draws beside that of the negatives (see `seedOf`).
const randomCandidatesStream = -2;

/** An objective with the Senior that it trains. */
export interface DistillationObjective extends Objective {
  readonly senior: Senior;
}

/**
 * One step of MulDE: L = L_hard + lambda L_soft + L_senior. The Junior scores all entities, its K best go to the teachers, the Senior
 * merges their scores into a soft label, and the Junior learns from that label and from the facts.
 */
export function distillationObjective(
  junior: KgeModel,
  teachers: readonly Teacher[],
  options: DistilOptions,
): DistillationObjective {
  const { kernels, entities, relations } = junior;
  const { engine } = kernels;
  const { batchSize, negatives } = options;
  const hardK = 1 + negatives;
  const softK = Math.min(options.topK, entities);
  const K = hardK + softK;
  const m = teachers.length;
  const pass = new CandidatePass(junior, batchSize, K);
  const senior = new Senior({
    teachers: m,
    relations: 2 * relations,
    kernels,
    scaling: options.scaling === "relation" ? relationScaling({ relations: 2 * relations, teachers: m }) : noScaling(),
    attention: options.attention === "contrast" ? contrastAttention() : uniformAttention(),
    temperature: options.temperature,
    trainOnSoftLabels: options.trainOnSoft,
  });

  const ids = engine.int32(batchSize * K);
  const hardIds = engine.int32(batchSize * hardK);
  const softIds = engine.int32(batchSize * Math.max(softK, 2));
  const hardScores = engine.float32(batchSize * hardK);
  const softScores = engine.float32(batchSize * softK);
  const hardGradient = engine.float32(batchSize * hardK);
  const softGradient = engine.float32(batchSize * softK);
  const gradient = engine.float32(batchSize * K);
  const teacherScores = engine.float32(m * batchSize * softK);
  const seed = seedOf(options.seed, negativesStream);
  const randomSeed = seedOf(options.seed, randomCandidatesStream);

  /** The soft label's candidates of each query, B x K. */
  function chooseCandidates({ heads, relations: rows, tails, step }: Batch): Int32Array {
    const batch = heads.length;
    if (options.candidates === "random") {
      const draw = { batch, negatives: softK - 1, entities, seed: randomSeed, counter: step * batchSize * softK };
      kernels.sampleCandidates(draw, tails, softIds);
    } else {
      const queries = junior.inference.encode(heads, rows);
      kernels.topK(junior.similarity, queries, junior.inference.points, softK, softIds, null, false);
    }
    const chosen = softIds.subarray(0, batch * softK);
    // The kernel fills a row up with -1 where scores are NaN; no teacher can be asked for that entity.
    for (let end = softK; end <= chosen.length; end += softK) {
      if (chosen[end - 1] === -1) throw new MuldeError("SCORE_NOT_FINITE", "The Junior scores NaN: it diverged.");
    }
    return chosen;
  }

  async function step(batch: Batch): Promise<StepResult> {
    const { heads, relations: rows, tails, epoch } = batch;
    const B = heads.length;
    const counter = batch.step * batchSize * negatives;
    kernels.sampleCandidates({ batch: B, negatives, entities, seed, counter }, tails, hardIds);
    const soft = chooseCandidates(batch);
    const answers = teacherScores.subarray(0, m * B * softK);
    await collectScores(teachers, heads, rows, soft, answers);

    const targets = new Int32Array(B);
    for (let b = 0; b < B; b++) targets[b] = softIds.subarray(b * softK, (b + 1) * softK).indexOf(tails[b]!);
    // Both kinds of candidates are scored in one pass: side by side in a row.
    const side = <A extends Float32Array | Int32Array>(both: A, hard: A, soft: A) => [
      { both: { data: both, stride: K, column: 0 }, own: { data: hard, stride: hardK, column: 0 }, width: hardK },
      { both: { data: both, stride: K, column: hardK }, own: { data: soft, stride: softK, column: 0 }, width: softK },
    ];
    for (const { both, own, width } of side(ids, hardIds, softIds)) kernels.copyRows(B, width, own, both);
    const scores = pass.forward(heads, rows, ids.subarray(0, B * K));
    for (const { both, own, width } of side(scores, hardScores, softScores)) kernels.copyRows(B, width, both, own);
    const hard = hardLoss(kernels, "bce", options, B, hardK, hardScores, hardGradient);
    const { softLoss, seniorLoss } = senior.step({
      epoch,
      relations: rows,
      teacherScores: answers,
      juniorScores: softScores.subarray(0, B * softK),
      targets,
      softWeight: options.softWeight,
      gradJunior: softGradient.subarray(0, B * softK),
      B,
      K: softK,
    });
    for (const { both, own, width } of side(gradient, hardGradient, softGradient)) {
      kernels.copyRows(B, width, own, both);
    }
    const gradients = new Map<string, TableGradient>(pass.backward(gradient));
    for (const parameter of senior.parameters()) {
      gradients.set(parameter.name, { ids: null, count: parameter.value.length / m, values: parameter.gradient });
    }
    const total = hard + options.softWeight * softLoss + seniorLoss;
    return { loss: { total, hard, soft: softLoss, senior: seniorLoss }, gradients };
  }

  return {
    senior,
    extra: senior
      .parameters()
      .map(({ name, value }): Trained => ({ name, rows: value.length / m, width: m, data: value, decays: false })),
    step,
    dispose() {
      pass.dispose();
      engine.free(ids, hardIds, softIds, hardScores, softScores, hardGradient, softGradient, gradient, teacherScores);
    },
  };
}
