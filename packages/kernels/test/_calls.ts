// One valid call of every kernel. Arrays are exactly as long as needed, with a margin of marked values on both sides.
import { encoderNames, Kernels, plan as newPlan } from "../src/index.js";
import type { EncoderName, Engine, KernelArgument, PointTable, QueryBatch, Similarity } from "../src/index.js";
import { ints, multipleOf, relationTables, similaritiesOf, tablesOf, widthOf } from "./_model.js";

type Values = Float32Array | Int32Array | Float64Array;

export interface RecordedCall {
  readonly kernel: string;
  readonly args: readonly KernelArgument[];
}

const margin = 16;
const mark = -12345;

/** Kernels that record every call; `guarded()` says whether all margins are unchanged. */
export function recorder(engine: Engine) {
  const calls: RecordedCall[] = [];
  const wholes: Values[] = [];
  const inside = <A extends Values>(make: (length: number) => A, length: number): A => {
    const whole = make(length + 2 * margin);
    whole.fill(mark, 0, margin).fill(mark, margin + length);
    wholes.push(whole);
    return whole.subarray(margin, margin + length) as A;
  };
  const wrapped: Engine = {
    ...engine,
    float32: (length) => inside((n) => engine.float32(n), length),
    int32: (length) => inside((n) => engine.int32(n), length),
    float64: (length) => inside((n) => engine.float64(n), length),
    free: () => undefined,
    call: (kernel, args) => {
      calls.push({ kernel, args });
      engine.call(kernel, args);
    },
  };
  const guarded = (): boolean =>
    wholes.every((whole) =>
      [whole.subarray(0, margin), whole.subarray(whole.length - margin)].every((part) =>
        (part as Float32Array).every((value) => value === mark),
      ),
    );
  return { kernels: new Kernels(wrapped), calls, guarded };
}

/** Calls every kernel at least once, with sizes that differ from each other. */
export function callAll(
  k: Kernels,
  encoder: EncoderName = "RotH",
  similarity: Similarity = "relationHyperbolic",
): void {
  const { engine } = k;
  const [N, R, stride, B, K] = [9, 2, 16, 3, 5];
  const dim = multipleOf(encoder) === 4 ? 8 : 6;
  const width = widthOf(encoder, dim);
  let seed = 0;
  const float = (length: number): Float32Array => {
    const values = engine.float32(length);
    for (let i = 0; i < length; i++) values[i] = 0.2 * Math.sin(++seed);
    return values;
  };
  const double = (length: number) => engine.float64(length);
  /** An array for each relation table that the encoder reads. */
  const perTable = (length: number) =>
    Object.fromEntries(relationTables.map((name) => [name, tablesOf(encoder).includes(name) ? float(length) : null]));
  const tables = { encoder, dim, entity: float(N * dim), ...perTable(R * width) };
  const [heads, relations] = [ints(k, [1, 8, 0]), ints(k, [0, 1, 0])];
  const queries: QueryBatch = {
    size: B,
    dim,
    q: float(B * stride),
    square: float(B),
    alpha: float(B),
    curvature: float(B).fill(1),
    headBias: float(B),
  };
  k.encode(tables, heads, relations, queries);
  k.encodeBackward(tables, heads, relations, queries, float(B * stride), {
    head: float(B * dim),
    ...perTable(B * width),
    curvature: double(B),
  });
  const pointsOf = (size: number): PointTable => ({
    size,
    dim,
    points: float(size * stride),
    norm: float(size),
    alpha: float(size),
    bias: float(size),
    packed: null,
  });
  const points = { ...pointsOf(N), packed: float(48 * stride) };
  const bias = float(N);
  k.points(similarity, tables.entity, null, 1, bias, points);
  const ids = ints(k, [0, 8, 3, 3, 4, 5, 1, 2, 8, 7, 7, 7, 0, 1, 4]);
  k.candidates(similarity, queries, points, ids, K, float(B * K));
  // The first plan uses the counting sort, the second the radix sort.
  for (const entities of [N, 1000]) {
    const plan = newPlan(engine, B * K, B);
    plan.size = k.plan(ids, heads, entities, plan);
    const rows = pointsOf(plan.size);
    k.points(similarity, tables.entity, plan.rows.subarray(0, plan.size), 1, bias, rows);
    const own = similarity === "relationHyperbolic";
    const [along, radii] = own ? [float(B * K), float(B * K)] : [null, null];
    const pairs = { terms: float(B * K), along, radii };
    k.plannedCandidates(similarity, queries, rows, plan, K, pairs, float(B * K));
    const grads = { dPoints: float(plan.size * stride), radial: float(plan.size) };
    const out = { dq: float(B * stride), dc: double(B), dHeadBias: float(B), tailBias: float(plan.size), ...grads };
    k.plannedBackward(similarity, queries, rows, plan, K, pairs, float(B * K), out);
    const gradient = float(plan.size * dim);
    k.pointsBackward(similarity, tables.entity, plan.rows, 1, plan.size, dim, grads, gradient);
    k.addRows(B, dim, plan.local, float(B * dim), gradient);
  }
  k.scoreAll(similarity, queries, points, float(B * N));
  k.rank(similarity, queries, points, {
    targets: ints(k, [8, 0, 4]),
    filterOffsets: ints(k, [0, 2, 2, 5]),
    filterIds: ints(k, [0, 5, 1, 2, 8]),
    greater: engine.int32(B),
    equal: engine.int32(B),
  });
  k.topK(similarity, queries, points, 4, engine.int32(2 * 7 + 4), float(2 * 7 + 4), true, 7);
  k.allLoss(
    similarity,
    queries,
    points,
    { offsets: ints(k, [0, 1, 3, 4]), ids: ints(k, [8, 0, 3, 1]) },
    { kind: "softmax", weight: 1, smoothing: 0.1 },
    tables.entity,
    1,
    { dq: float(B * stride), dc: double(B), dHeadBias: float(B), gradient: float(N * dim), tailBias: float(N) },
  );
  k.products(queries, points);
  const weights = { positiveWeight: 1, negativeWeight: 1, adversarial: 1 };
  k.bce(B, K, float(2 * 7 + K), weights, float(2 * 7 + K), 7);
  k.crossEntropy(B, K, float(2 * 7 + K), 1, float(2 * 7 + K), 7);
  k.kl(B, K, float(B * K), float(B * K), { temperature: 1, weight: 1 }, float(B * K));
  k.seniorStep({
    batch: B,
    candidates: K,
    teachers: 2,
    stride: 7,
    teacherScores: float(2 * B * K),
    juniorScores: float(2 * 7 + K),
    scales: float(B * 2),
    attentionTemperature: 1,
    targets: ints(k, [-1, 0, 4]),
    temperature: 1,
    softWeight: 1,
    trainOnSoft: true,
    softLogits: float(B * K),
    weights: float(B * 2),
    gradJunior: float(2 * 7 + K),
    gradScales: float(B * 2),
  });
  const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 1, weightDecay: 0 };
  for (const sparse of [true, false]) {
    const update = { rows: N, dim, count: 3, sparse, gradient: float(3 * dim), parameters: float(N * dim) };
    const some = { ...update, ids: ints(k, [0, 4, 8]) };
    k.adam(some, { first: float(N * dim).fill(0), second: float(N * dim).fill(0) }, options);
    k.adagrad(some, { sum: float(N * dim).fill(0) }, options);
  }
  const whole = { rows: N, dim, ids: null, count: N, sparse: false, gradient: float(N * dim) };
  const state = () => float(N * dim).fill(0);
  k.adam({ ...whole, parameters: state() }, { first: state(), second: state() }, options);
  k.adagrad({ ...whole, parameters: state() }, { sum: state() }, options);
  k.sampleCandidates(
    { batch: B, negatives: 4, entities: N, seed: 1, counter: 2, stride: 7 },
    ints(k, [8, 8, 8]),
    engine.int32(2 * 7 + 5),
  );
  k.peak(1, 10);
}

/** `callAll` with each similarity, and the encoders' kernels with each encoder. */
export function callEverything(engine: Engine): ReturnType<typeof recorder> {
  const all = recorder(engine);
  callAll(all.kernels);
  callAll(all.kernels, "AttH", "hyperbolic");
  callAll(all.kernels, "MuRE", "euclidean");
  callAll(all.kernels, "SimplE", "dot");
  for (const encoder of encoderNames) {
    const own = recorder(engine);
    callAll(own.kernels, encoder, similaritiesOf(encoder)[0]);
    all.calls.push(...own.calls.filter(({ kernel }) => kernel.startsWith("encode")));
  }
  return all;
}
