export { createKernels } from "./create.js";
export type { KernelsOptions } from "./create.js";
export type { Engine, KernelArgument } from "./engine.js";
export { MuldeError } from "@mulde/errors";
export { Kernels, pairTerms } from "./kernels.js";
export type {
  AllLossOptions,
  EncoderGradients,
  EncoderTables,
  Labels,
  PairTerms,
  RankCall,
  SeniorStep,
  Update,
} from "./kernels.js";
export { Random } from "./random.js";
export { encoderNames, freeAll, maxDim, plan, pointTable, queryBatch, rowStride } from "./shapes.js";
export type { EncoderName, Plan, PointTable, QueryBatch, Similarity } from "./shapes.js";
