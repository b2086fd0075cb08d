import type { Kernels } from "@mulde/kernels";
import { AllPass, CandidatePass, type KgeModel } from "@mulde/kge-models";
import { type Batch, seedOf } from "./data.js";
import type { Objective, StepResult } from "./objective.js";
import type { RunOptions, TrainOptions } from "./options.js";

/** Which of a run's random streams: see `seedOf`. Epochs count up from 0, so these lie below. */
export const negativesStream = -1;

/** The hard-label loss over candidates B x (1 + n) with the true answer first: writes dL/ds, returns the loss. */
export function hardLoss(
  kernels: Kernels,
  loss: "bce" | "crossEntropy",
  options: Pick<RunOptions, "adversarial">,
  batch: number,
  K: number,
  scores: Float32Array,
  gradient: Float32Array,
): number {
  if (loss === "crossEntropy") return kernels.crossEntropy(batch, K, scores, 1 / batch, gradient);
  // Equal weights: the mean over B (1 + n), as in the paper. Self-adversarial: the negatives' weights sum to 1, and positive and
  // negatives count one half each (Sun et al. 2019).
  const weight = options.adversarial > 0 ? 1 / (2 * batch) : 1 / (batch * K);
  const weights = { positiveWeight: weight, negativeWeight: weight, adversarial: options.adversarial };
  return kernels.bce(batch, K, scores, weights, gradient);
}

/** Learning from the facts alone, by sampled negatives or a softmax over all entities. */
export function factsObjective(model: KgeModel, options: TrainOptions): Objective {
  return options.loss === "1vsAll"
    ? allEntities(model, options.batchSize)
    : sampledCandidates(model, options, options.loss);
}

function allEntities(model: KgeModel, batchSize: number): Objective {
  const pass = new AllPass(model, batchSize);
  return {
    extra: [],
    step({ heads, relations, tails }: Batch): Promise<StepResult> {
      const { loss, gradients } = pass.crossEntropy(heads, relations, tails);
      return Promise.resolve({ loss: { total: loss, hard: loss }, gradients });
    },
    dispose: () => pass.dispose(),
  };
}

function sampledCandidates(model: KgeModel, options: TrainOptions, loss: "bce" | "crossEntropy"): Objective {
  const { kernels } = model;
  const { batchSize, negatives } = options;
  const K = 1 + negatives;
  const pass = new CandidatePass(model, batchSize, K);
  const candidates = kernels.engine.int32(batchSize * K);
  const gradient = kernels.engine.float32(batchSize * K);
  const seed = seedOf(options.seed, negativesStream);
  return {
    extra: [],
    step({ heads, relations, tails, step }: Batch): Promise<StepResult> {
      const batch = heads.length;
      const draw = { batch, negatives, entities: model.entities, seed, counter: step * batchSize * negatives };
      kernels.sampleCandidates(draw, tails, candidates);
      const scores = pass.forward(heads, relations, candidates.subarray(0, batch * K));
      const total = hardLoss(kernels, loss, options, batch, K, scores, gradient);
      return Promise.resolve({ loss: { total, hard: total }, gradients: pass.backward(gradient) });
    },
    dispose() {
      pass.dispose();
      kernels.engine.free(candidates, gradient);
    },
  };
}
