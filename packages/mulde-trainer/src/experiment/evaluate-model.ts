import { MuldeError } from "@mulde/errors";
import { evaluate, type EvaluateOptions, type RankingReport, type Scorer } from "@mulde/eval";
import { type KgeModel, modelScorer } from "@mulde/kge-models";
import { knownAnswers, type TrainingData } from "../facts/data.js";
import { checkData } from "../run/check-context.js";

/**
 * Filtered metrics of a model on a split: both directions, realistic ranks, known answers of all splits left out.
 *
 * @param model - a model, one opened by `openModel`, or any scorer
 * @param options - of `evaluate`, such as `tie` or `signal`; `known: undefined` leaves no answer out
 * @throws MuldeError TRAINER_DATA for what is no model, data or split, and for an empty split; SCORE_NOT_FINITE for a model whose scores are NaN
 */
export async function evaluateModel(
  model: KgeModel | { readonly model: KgeModel } | Scorer,
  data: TrainingData,
  split: "train" | "valid" | "test" = "test",
  options: Omit<EvaluateOptions, "triples" | "numRelations"> = {},
): Promise<RankingReport> {
  checkData(data);
  if (!["train", "valid", "test"].includes(split)) {
    const reason = `must be train, valid or test, but is ${JSON.stringify(split)}.`;
    throw new MuldeError("TRAINER_DATA", reason, { path: ["split"], value: split });
  }
  if (data[split].length === 0) {
    const reason = `The ${split} split is empty, so there is nothing to rank: pass data that has one, or another split.`;
    throw new MuldeError("TRAINER_DATA", reason, { path: [split] });
  }
  const numRelations = data.relations.size;
  return evaluate(scorerOf(model), { triples: data[split], numRelations, known: knownAnswers(data), ...options });
}

function scorerOf(model: KgeModel | { readonly model: KgeModel } | Scorer): Scorer {
  if (typeof (model as unknown) !== "object" || (model as unknown) === null) {
    throw new MuldeError("TRAINER_DATA", "must be a model or a scorer.", { path: ["model"], value: model });
  }
  if ("numEntities" in model) return model;
  return modelScorer("model" in model ? model.model : model);
}
