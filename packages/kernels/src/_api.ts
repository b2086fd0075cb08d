// What both entries of this package export beside `createKernels`.
export type { KernelsOptions } from "./create.js";
export type { Engine, KernelArgument } from "./engine.js";
export { MuldeError } from "@mulde/errors";
export { pairTerms } from "./candidates.js";
export type { PairGradients, PairTerms } from "./candidates.js";
export type { AllLossGradients, AllLossOptions, Labels, RankCall } from "./entities.js";
export { Kernels } from "./kernels.js";
export type { SeniorStep } from "./losses.js";
export type { EncoderGradients, EncoderTables, RelationTables } from "./queries.js";
export { Random } from "./random.js";
export { encoderNames, freeAll, maxDim, plan, pointTable, queryBatch, rowStride } from "./shapes.js";
export type { EncoderName, RelationTable, Plan, PointTable, QueryBatch, Similarity } from "./shapes.js";
export type { Update } from "./updates.js";
