export { MuldeError } from "@mulde/errors";

// Runs
export { train } from "./run/train.js";
export type { RunContext, TrainContext, TrainingRun } from "./run/train.js";
export { distil } from "./run/distil.js";
export type { DistilContext } from "./run/distil.js";
export { startRun } from "./run/run.js";
export type { Run } from "./run/run.js";
export type { RunControl } from "./run/plan.js";
export { holdLock } from "./run/lock.js";
export type { Lock } from "./run/lock.js";
export type { LossParts, TrainEvent, TrainResult, ValidationMetrics } from "./run/events.js";

// Options
export { distilSchema, trainSchema } from "./run/options.js";
export type { DistilInput, DistilOptions, TrainInput, TrainOptions } from "./run/options.js";
export { optionEntries, parseOptions } from "./run/parse.js";
export type { OptionEntry } from "./run/parse.js";
export { expanded, merged } from "./run/shorthand.js";
export { formerOptions } from "./run/former-options.js";
export { differences } from "./run/identity.js";

// Experiments
export { experimentSchema, parseExperiment, stageNames } from "./experiment/experiment.js";
export type { DistilPlan, Experiment, JuniorPlan, TeacherPlan } from "./experiment/experiment.js";
export { lockDirectory, runExperiment } from "./experiment/pipeline.js";
export type { ExperimentContext, ExperimentEvent, ExperimentRun, Role, Row } from "./experiment/pipeline.js";
export { keepBest } from "./experiment/keep-best.js";
export { evaluateModel } from "./experiment/evaluate-model.js";

// Parts of a step
export type { Batch, CandidateBlock, ScoredBlock } from "./step/block.js";
export type { BlockPlan, CandidateSource, Label, LabelLoss, QuerySource, RowPlan, StepControl } from "./step/parts.js";
export { ScoreMatrix } from "./step/matrix.js";
export type { MatrixStep } from "./step/matrix.js";
export type { AnswerRule } from "./rules/rule.js";
export { functional } from "./rules/functional.js";
export { held } from "./rules/held.js";
export { neighbours } from "./rules/neighbours.js";
export { ownHead } from "./rules/own-head.js";
export type { SeniorParts } from "./distillation/senior-parts.js";

// Loops of your own
export { prepareData } from "./facts/data.js";
export type { PreparedData, TrainingData, TrainingSplit } from "./facts/data.js";
export { Batches } from "./facts/batches.js";
export { factsObjective } from "./facts/facts.js";
export type { StepParts } from "./facts/facts.js";
export { distillationObjective } from "./distillation/distillation.js";
export type { DistillationObjective, DistillationParts } from "./distillation/distillation.js";
export type { Objective, StepResult } from "./run/objective.js";
export { learningRateAt, Optimizer, trainedTables } from "./run/optimizer.js";
export type { Trained } from "./run/optimizer.js";
