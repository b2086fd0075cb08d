// The same work gives the same bits with any number of threads, and nearly the same results on any engine.
import { beforeAll, describe, expect, it } from "vitest";
import { createKernels, Random } from "../src/index.js";
import type { Kernels, KernelsOptions } from "../src/index.js";
import { randomBatch } from "./_batches.js";
import { sameBytes } from "./_bytes.js";
import { engines } from "./_engines.js";
import { candidateGradients } from "./_gradients.js";
import { copy, encodeQueries, entityPoints, ints, randomModel, tables } from "./_model.js";

type Results = Readonly<Record<string, Float64Array>>;

const similarities = [
  ["RefE", "dot"],
  ["AttE", "euclidean"],
  ["RotH", "hyperbolic"],
  ["AttH", "relationHyperbolic"],
] as const;

/** Large enough that every kernel cuts its work into many pieces. */
function work(k: Kernels): Results {
  const out: Record<string, Float64Array> = {};
  const put = (name: string, ...values: ArrayLike<number>[]) => {
    out[name] = Float64Array.from(values.flatMap((x) => Array.from(x)));
  };
  const [B, K, N, dim] = [150, 40, 2500, 18];
  for (const [encoder, similarity] of similarities) {
    const model = randomModel({
      encoder,
      similarity,
      dim,
      entities: N,
      relations: 6,
      curvature: 1,
      radius: 2,
      seed: 9,
    });
    const batch = randomBatch(B, K, N, 6, 1);
    const { scores, gradients } = candidateGradients(k, model, batch);
    put(`${similarity} candidates`, scores);
    for (const [name, table] of Object.entries<ArrayLike<number>>({ ...gradients }))
      put(`${similarity} gradient ${name}`, table);
    const t = tables(k, model);
    const queries = encodeQueries(k, model, t, ints(k, batch.heads), ints(k, batch.relations));
    const points = entityPoints(k, model, t, null, true);
    const all = k.engine.float32(B * N);
    k.scoreAll(similarity, queries, points, all);
    put(`${similarity} scoreAll`, all);
    const targets = ints(k, batch.heads);
    const call = {
      targets,
      filterOffsets: k.engine.int32(B + 1),
      filterIds: k.engine.int32(1),
      greater: k.engine.int32(B),
      equal: k.engine.int32(B),
    };
    k.rank(similarity, queries, points, call);
    put(`${similarity} rank, exact`, call.greater, call.equal);
    const ids = k.engine.int32(B * 20);
    k.topK(similarity, queries, points, 20, ids, null);
    put(`${similarity} topK, exact`, ids);
    const dq = k.engine.float32(queries.q.length);
    const dc = k.engine.float64(B);
    const gradient = k.engine.float32(N * dim);
    const tailBias = k.engine.float32(N);
    const dHeadBias = k.engine.float32(B);
    const out = { dq, dc, dHeadBias, gradient, tailBias };
    const labels = { offsets: Int32Array.from({ length: B + 1 }, (_, b) => b), ids: targets };
    for (const kind of ["softmax", "logistic"] as const) {
      dc.fill(0);
      const options = { kind, weight: 1 / B, smoothing: kind === "softmax" ? 0 : 0.1 };
      const { loss, dSqrtC } = k.allLoss(similarity, queries, points, labels, options, t.entity, model.c[0]!, out);
      put(`${similarity} allLoss, ${kind}`, [loss, dSqrtC], dq, dc, dHeadBias, gradient, tailBias);
    }
    for (const x of [dq, all, gradient]) k.engine.free(x);
  }
  const random = new Random(2);
  const normal = (length: number) =>
    copy(
      k,
      Array.from({ length }, () => random.normal()),
    );
  const [scores, targets] = [normal(B * K), normal(B * K)];
  const gradient = k.engine.float32(B * K);
  put("bce", [k.bce(B, K, scores, { positiveWeight: 1, negativeWeight: 1, adversarial: 1 }, gradient)], gradient);
  put("crossEntropy", [k.crossEntropy(B, K, scores, 1, gradient)], gradient);
  put("kl", [k.kl(B, K, targets, scores, { temperature: 2, weight: 1 }, gradient)], gradient);
  const step = {
    batch: B,
    candidates: K,
    teachers: 3,
    teacherScores: normal(3 * B * K),
    juniorScores: scores,
    scales: normal(3 * B),
    attentionTemperature: 1,
    targets: ints(
      k,
      Array.from({ length: B }, (_, b) => (b % (K + 1)) - 1),
    ),
    temperature: 1,
    softWeight: 0.5,
    trainOnSoft: true,
    softLogits: k.engine.float32(B * K),
    weights: k.engine.float32(3 * B),
    gradJunior: gradient,
    gradScales: k.engine.float32(3 * B),
  };
  const losses = k.seniorStep(step);
  put("seniorStep", [losses.softLoss, losses.seniorLoss], step.softLogits, step.weights, gradient, step.gradScales);
  const update = {
    rows: 2000,
    dim: 20,
    ids: null,
    count: 2000,
    sparse: false,
    gradient: normal(40_000),
    parameters: normal(40_000),
  };
  const [first, second] = [k.engine.float32(40_000), k.engine.float32(40_000)];
  k.adam(
    update,
    { first, second },
    { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1, weightDecay: 0 },
  );
  k.adagrad(update, { sum: second }, { learningRate: 0.1, epsilon: 1e-8, weightDecay: 0 });
  put("adam and adagrad", update.parameters, first, second);
  const drawn = k.engine.int32(B * 41);
  k.sampleCandidates({ batch: B, negatives: 40, entities: N, seed: 1, counter: 0 }, step.targets, drawn);
  put("sampleCandidates, exact", drawn);
  return out;
}

async function results(options: KernelsOptions, threads: number): Promise<Results> {
  const kernels = await createKernels({ ...options, threads });
  try {
    return work(kernels);
  } finally {
    await kernels.engine.close();
  }
}

const first = new Map<string, Results>();
beforeAll(async () => {
  for (const { name, options } of engines) first.set(name, await results(options, 1));
  // Ample, for a machine that is busy or emulated.
}, 600_000);

function expectSameBits(one: Results, other: Results): void {
  for (const [key, values] of Object.entries(one)) {
    expect(values.some(Number.isNaN), key).toBe(false);
    expect(sameBytes(values, other[key]!), key).toBe(true);
  }
}

const [wasm, single] = ["wasm", "single"].map((name) => engines.find(({ engine }) => engine === name)?.name);

it.runIf(wasm && single)("WebAssembly gives the same bits with and without shared memory", () => {
  expectSameBits(first.get(wasm!)!, first.get(single!)!);
});

describe.each(engines)("$name", ({ name, options, threads: usual }) => {
  it.each(usual.length > 1 ? [2, 3] : [1])("gives the same bits with %i threads as with one", async (threads) => {
    expectSameBits(first.get(name)!, await results(options, threads));
  });

  it.runIf(wasm)("agrees with WebAssembly", () => {
    const reference = first.get(wasm!)!;
    for (const [key, values] of Object.entries(first.get(name)!)) {
      const expected = reference[key]!;
      const scale = expected.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-30);
      let worst = 0;
      let differing = 0;
      values.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - expected[i]!) / scale);
        if (value !== expected[i]) differing++;
      });
      // Ranks and ids may differ where two scores are so close that rounding decides.
      if (key.endsWith("exact"))
        expect(differing, key).toBeLessThanOrEqual(key.startsWith("sample") ? 0 : values.length / 500);
      // Fused multiply-adds and the order of sums differ: some roundings of 6e-8, which the chain multiplies by a few tens.
      else expect(worst, key).toBeLessThan(2e-5);
    }
  });
});
