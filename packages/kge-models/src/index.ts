export { attE } from "./atte.js";
export { attH } from "./atth.js";
export { complEx } from "./complex.js";
export { checkConfig } from "./config.js";
export { cp } from "./cp.js";
export { defineModel, modelDefinition, modelNames, type ModelDefinition, type RelationTable } from "./definition.js";
export { distE } from "./diste.js";
export { distH } from "./disth.js";
export { distMult } from "./distmult.js";
export { MuldeError } from "@mulde/errors";
export { expmap0, givensReflection, givensRotation, hyperbolicDistance, mobiusAdd, project } from "./geometry.js";
export { queryCurvature, relationRows, type EncoderInputs } from "./inputs.js";
export { muRE } from "./mure.js";
export { muRP } from "./murp.js";
export { quatE } from "./quate.js";
export { refE } from "./refe.js";
export { refH } from "./refh.js";
export { rot2L } from "./rot2l.js";
export { rotatE } from "./rotate.js";
export { rotE } from "./rote.js";
export { rotH } from "./roth.js";
export { rotL } from "./rotl.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsDtype,
  type SafetensorsInput,
  type SafetensorsTensor,
} from "./safetensors.js";
export { simplE } from "./simple.js";
export { similarity, SIMILARITIES, type Similarity } from "./similarity.js";
export { loadTf, tfBackend, type Tf, type TfBackend, type TfInfo } from "./tf.js";
export { transE } from "./transe.js";
export { transH } from "./transh.js";
export { tuckER } from "./tucker.js";
export { AllPass, type AllPassOptions, type AllPassResult } from "./all-pass.js";
export { CandidatePass } from "./candidate-pass.js";
export type { Encoder, QueryGradients } from "./encoder.js";
export type { ModelGradients, TableGradient } from "./gradients.js";
export { importModel, type ImportOptions } from "./import.js";
export type { ImportSource } from "./import-layouts.js";
export { Inference, modelScorer, modelTeacher, type RankCounts, type RankQueries, type TopK } from "./inference.js";
export {
  createModel,
  type CreateModelOptions,
  KgeModel,
  type ModelConfig,
  type ParameterTable,
  type QueryList,
  type TripleList,
} from "./model.js";
export type { QueryLayer } from "./query-layer.js";
export { sharedKernels } from "./shared-kernels.js";
export { loadModel, type ModelInfo, type SavedModel, saveModel } from "./store.js";
export { writeWhole } from "./whole-file.js";
