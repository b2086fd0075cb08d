// Written by scripts/build-wasm.js from native/abi.h: do not edit.

/** A number made of all facts below: engines whose number is another have other kernels. */
export const abi = 1311032036;

/** Sizes that TypeScript needs to know. */
export const constants = {
  maxArguments: 40,
  maxDim: 1024,
  rowMultiple: 16,
  packedMultiple: 48,
  maxTeachers: 64,
  maxChunks: 256,
  planPieces: 4,
  queryPieces: 8,
  gradientPieces: 64,
  tileQueries: 64,
  maxTileEntities: 384,
  keptFloats: 160,
  querySums: 6,
  topKRoom: 2048,
} as const;

/** Numbers of the similarities. */
export const similarities = {
  dot: 0,
  euclidean: 1,
  hyperbolic: 2,
  relationHyperbolic: 3,
} as const;

/** Numbers of the losses over all entities. */
export const losses = {
  softmax: 0,
  logistic: 1,
} as const;

/** What can be wrong with a call. */
export const faults = {
  count: 1,
  kind: 2,
  number: 3,
  length: 4,
  value: 5,
  order: 6,
  empty: 7,
} as const;

/** Kinds of arguments. */
export const kinds = {
  number: 0,
  Float32Array: 1,
  Float64Array: 2,
  Int32Array: 3,
  nothing: 4,
  other: 5,
} as const;

/** Relation tables, in the order in which the encoders take them. */
export const relationTables = [
  "relation",
  "rotation",
  "reflection",
  "innerTranslation",
  "context",
  "diagonal",
] as const;

/**
 * Encoders: their number; whether their points lie in the ball; how many coordinates belong together, and how many of a relation go with each
 * such group; the relation tables that they read.
 */
export const encoders = {
  TransE: { id: 0, ball: false, group: 1, part: 1, tables: ["relation"] },
  DistE: { id: 1, ball: false, group: 1, part: 1, tables: ["relation"] },
  RotE: { id: 2, ball: false, group: 2, part: 2, tables: ["relation", "rotation"] },
  RefE: { id: 3, ball: false, group: 2, part: 2, tables: ["relation", "reflection"] },
  AttE: { id: 4, ball: false, group: 2, part: 2, tables: ["relation", "rotation", "reflection", "context"] },
  TransH: { id: 5, ball: true, group: 1, part: 1, tables: ["relation"] },
  DistH: { id: 6, ball: true, group: 1, part: 1, tables: ["relation"] },
  RotH: { id: 7, ball: true, group: 2, part: 2, tables: ["relation", "rotation", "innerTranslation"] },
  RefH: { id: 8, ball: true, group: 2, part: 2, tables: ["relation", "reflection"] },
  AttH: { id: 9, ball: true, group: 2, part: 2, tables: ["relation", "rotation", "reflection", "context"] },
  ComplEx: { id: 10, ball: false, group: 2, part: 2, tables: ["relation"] },
  CP: { id: 11, ball: false, group: 2, part: 1, tables: ["relation"] },
  SimplE: { id: 12, ball: false, group: 2, part: 2, tables: ["relation"] },
  QuatE: { id: 13, ball: false, group: 4, part: 4, tables: ["relation"] },
  RotatE: { id: 14, ball: false, group: 2, part: 2, tables: ["rotation"] },
  MuRE: { id: 15, ball: false, group: 1, part: 1, tables: ["relation", "diagonal"] },
  MuRP: { id: 16, ball: true, group: 1, part: 1, tables: ["relation", "diagonal"] },
} as const;

/** Each kernel's arguments, in the kernels' order: names, with `:f`, `:d` or `:i` for arrays of float32, float64 or int32, and `?` where null will do. */
export const signatures = {
  encode:
    "encoder out.size tables.dim tables.entity:f tables.relation:f? tables.rotation:f? tables.reflection:f? tables.innerTranslation:f? tables.context:f? tables.diagonal:f? heads:i relations:i out.curvature:f? out.q:f out.square:f out.alpha:f",
  encodeBackward:
    "encoder queries.size tables.dim tables.entity:f tables.relation:f? tables.rotation:f? tables.reflection:f? tables.innerTranslation:f? tables.context:f? tables.diagonal:f? heads:i relations:i queries.curvature:f? dq:f out.head:f out.relation:f? out.rotation:f? out.reflection:f? out.innerTranslation:f? out.context:f? out.diagonal:f? out.curvature:d",
  points: "similarity out.size out.dim table:f rows:i? sqrtC bias:f? out.points:f out.norm:f out.alpha:f out.bias:f",
  pack: "size dim points:f packed:f",
  pointsBackward: "similarity count dim table:f rows:i? sqrtC dPoints:f radial:f gradient:f dSqrtC:d",
  plan: "pairs:i pairs.length others:i others.length entities out.rows:i out.offsets:i out.entries:i out.local:i items:i? counts:i? size:i",
  candidates:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f K ids:i scores:f",
  plannedCandidates:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f K plan.size plan.offsets:i plan.entries:i pairs.terms:f pairs.along:f? pairs.radii:f? scores:f",
  plannedBackward:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f K plan.size plan.offsets:i plan.entries:i pairs.terms:f pairs.along:f? pairs.radii:f? gradScores:f out.dq:f out.dc:d out.dHeadBias:f out.dPoints:f out.radial:f out.tailBias:f partial:f sums:d",
  scoreAll:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f points.packed:f scores:f",
  rank: "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f points.packed:f targets:i filterOffsets:i filterIds:i greater:i equal:i notFinite:i targetScores:f",
  topK: "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f points.packed:f k sorted buffer:f capacity ids:i scores:f? stride",
  allLoss:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f points.packed:f kind labels.offsets:i labels.ids:i smoothing weight losses:d out.dq:f out.dc:d out.dHeadBias:f dPoints:f radial:f firstLabels:i ownLabels:f references:f byWeight:f partial:f sums:d kept:f out.tailBias:f",
  bce: "batch K stride scores:f positiveWeight negativeWeight adversarial gradient:f loss:d",
  crossEntropy: "batch K stride scores:f weight gradient:f loss:d",
  kl: "batch K targets:f scores:f temperature weight gradient:f loss:d",
  seniorStep:
    "batch candidates stride teachers teacherScores:f juniorScores:f scales:f attentionTemperature targets:i temperature softWeight trainOnSoft softLogits:f weights:f gradJunior:f gradScales:f losses:d",
  adam: "rows dim ids:i? count sparse gradient:f parameters:f first:f second:f learningRate beta1 beta2 epsilon step weightDecay notFinite:i",
  adagrad: "rows dim ids:i? count sparse gradient:f parameters:f sum:f learningRate epsilon weightDecay notFinite:i",
  addRows: "batch dim ids:i source:f table:f",
  sampleCandidates: "batch negatives stride entities seed counter targets:i ids:i",
  peak: "threads iterations out:d",
  products:
    "similarity queries.size queries.dim queries.q:f queries.square:f queries.alpha:f queries.curvature:f? queries.headBias:f? points.size points.dim points.points:f points.norm:f points.alpha:f points.bias:f points.packed:f pieces out:d",
} as const;
