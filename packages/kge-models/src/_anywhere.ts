// What both entries export.
export { MuldeError } from "@mulde/errors";
export type { DataIdentity } from "./_foreign-data.js";
export type { Facts, KnownFacts, NamedTriple, NameSource, Split } from "./_known-facts.js";
export { checkConfig, type ModelConfig } from "./config.js";
export { createModel, type CreateModelOptions } from "./create.js";
export type { SafetensorsDtype, SafetensorsInput } from "./files/_safetensors-values.js";
export { decodeSafetensors, encodeSafetensors, type Safetensors, type SafetensorsTensor } from "./files/safetensors.js";
export type { ModelFiles, ModelSource } from "./files/_source.js";
export type { ModelInfo, SavedModel } from "./files/_model-files.js";
export { loadModel } from "./files/load.js";
export { Inference } from "./inference.js";
export { KgeModel } from "./model.js";
export { checkModel, type CheckModelOptions, type ModelReport } from "./models/check-model.js";
export type { ModelDefinition, RelationTable } from "./models/definition.js";
export {
  expmap0,
  givensReflection,
  givensRotation,
  hyperbolicDistance,
  mobiusAdd,
  project,
} from "./models/geometry.js";
export { queryCurvature, relationRows, type EncoderInputs } from "./models/inputs.js";
export { defineModel, modelDefinition, modelNames } from "./models/registry.js";
export { similarity, SIMILARITIES, type Similarity } from "./models/similarity.js";
export {
  NamedModel,
  openModel,
  type OpenModelOptions,
  type PredictOptions,
  type PredictQuery,
  type Prediction,
} from "./named-model.js";
export type { Names } from "./names.js";
export { modelScorer, type ModelScorer } from "./scorer.js";
export { sharedKernels } from "./shared-kernels.js";
export { modelTeacher, type ModelTeacher } from "./teacher.js";
export type { Tensor, Tensor2D, Tf } from "./tensors.js";
export type { TfBackend } from "./_tf-state.js";
export { loadTf, tfBackend, type TfInfo } from "./tf.js";
export { AllPass, type AllPassOptions, type AllPassResult } from "./training/all-pass.js";
export { CandidatePass } from "./training/candidate-pass.js";
export type { Encoder, QueryGradients } from "./training/encoder.js";
export type { ModelGradients, TableGradient } from "./training/gradients.js";
export type { QueryLayer } from "./training/query-layer.js";
export type { ModelScore, ParameterTable, QueryList, RankCounts, RankQueries, TopK, TripleList } from "./types.js";
