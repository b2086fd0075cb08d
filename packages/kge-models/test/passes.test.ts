import { createKernels, type Kernels, queryBatch, Random, rowStride } from "@mulde/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AllPass, CandidatePass, type KgeModel, loadTf, modelDefinition, type ModelGradients } from "../src/index.js";
import "./_backends.js";
import {
  builtIns,
  copyParameters,
  dense,
  distance,
  isHyperbolic,
  lively,
  reference,
  slopes,
  tablesOf,
  type Tables,
  unfused,
} from "./_passes.js";

const entities = 7;
const relations = 2;
// Duplicates among a query's candidates, heads that are candidates, a candidate of all, entities that nobody names (6).
const heads = Int32Array.of(0, 4, 4, 2);
const rows = Int32Array.of(0, 1, 3, 3);
const candidates = Int32Array.of(3, 1, 1, 0, 5, 4, 3, 3, 4, 0, 3, 4, 2, 3, 2, 2);
const targets = Int32Array.of(3, 5, 4, 2);
const B = heads.length;
const K = candidates.length / B;
const weights = Float32Array.from({ length: B * K }, (_, i) => Math.sin(1 + 2 * i));

const both = builtIns.flatMap((name) => [
  [name, "shared"] as const,
  ...(isHyperbolic(name) ? [[name, "relation"] as const] : []),
]);

/** The fused model, and the same in TensorFlow.js with the same parameters. */
async function pair(
  name: string,
  curvature: "shared" | "relation",
  dim: number,
  kernels?: Kernels,
): Promise<[fused: KgeModel, tf: KgeModel]> {
  const options = { dim, entities, relations, curvature, ...(kernels && { kernels }) };
  const fused = await lively({ ...options, model: name }, dim);
  const tf = await lively({ ...options, model: unfused(name) }, dim);
  copyParameters(fused, tf);
  // These have no kernel: both of the pair are in TensorFlow.js.
  const kernel = { DistMult: "DistE", TuckER: undefined, RotL: undefined, Rot2L: undefined };
  expect(fused.definition.fused).toBe(name in kernel ? kernel[name as keyof typeof kernel] : name);
  expect(tf.definition.fused).toBeUndefined();
  return [fused, tf];
}

function compare(actual: ModelGradients, model: KgeModel, expected: Tables, tolerance: number, what: string): void {
  expect([...actual.keys()].sort()).toEqual([...model.tables.keys()].sort());
  for (const [name, gradient] of actual) {
    const { rows: length, width } = model.table(name);
    expect(distance(dense(gradient, length, width), expected[name]!), `${what}, ${name}`).toBeLessThan(tolerance);
  }
}

const asTables = (gradients: ModelGradients, model: KgeModel): Tables =>
  Object.fromEntries(
    [...gradients].map(([name, gradient]) => [name, dense(gradient, model.table(name).rows, model.table(name).width)]),
  );

describe.each(both)("%s with %s curvature", (name, curvature) => {
  // On a line, distances do not depend on the curvature: its gradient is 0, and there is nothing to be relative to.
  const dims = {
    // A core of 17 x 17 x 17 values would need as many finite differences.
    1: [isHyperbolic(name) ? 3 : 1, 4, name === "TuckER" ? 7 : 17],
    2: [2, 4, 18],
    4: [4, 8, 20],
  }[modelDefinition(name).dimMultiple];

  it.each(dims)(
    "scores candidates and all entities as its formula in float64, fused and in tfjs (d = %d)",
    async (dim) => {
      const [fused, tf] = await pair(name, curvature, dim);
      const tables = tablesOf(fused);
      const expected = [...heads].flatMap((h, b) =>
        Array.from({ length: entities }, (_, e) => reference(name, fused, tables, h, rows[b]!, e)),
      );
      const ofCandidates = [...candidates].map((e, at) => expected[Math.floor(at / K) * entities + e]!);
      for (const model of [fused, tf]) {
        const all = model.scoreAll({ heads, relations: rows });
        expect(distance([...all], expected), "scoreAll").toBeLessThan(2e-5);
        const pass = new CandidatePass(model, B, K);
        const scores = pass.forward(heads, rows, candidates);
        expect(distance([...scores], ofCandidates), "forward").toBeLessThan(2e-5);
        pass.dispose();
        const triples = { heads, relations: rows, tails: targets, length: B };
        const single = [...targets].map((t, b) => expected[b * entities + t]!);
        expect(distance([...model.score(triples)], single), "score").toBeLessThan(2e-5);
      }
    },
  );

  it.each(dims)("has the gradients of float64 by every table, from candidates (d = %d)", async (dim) => {
    const [fused, tf] = await pair(name, curvature, dim);
    const loss = (tables: Tables): number =>
      candidates.reduce((sum, e, at) => {
        const b = Math.floor(at / K);
        return sum + weights[at]! * reference(name, fused, tables, heads[b]!, rows[b]!, e);
      }, 0);
    const expected = slopes(tablesOf(fused), loss);
    for (const model of [fused, tf]) {
      const pass = new CandidatePass(model, B, K);
      pass.forward(heads, rows, candidates);
      const gradients = pass.backward(weights);
      // TensorFlow.js encodes in float32 throughout: a shared curvature's gradient, one sum of terms that cancel, shows it.
      compare(gradients, model, expected, model === fused ? 1e-4 : 3e-4, model.config.model);
      // Only the rows that the batch touches, each once.
      const { ids, count } = gradients.get("entity")!;
      expect([...ids!.subarray(0, count)]).toEqual([0, 1, 2, 3, 4, 5]);
      pass.dispose();
    }
  });

  it.each(dims)("has the loss and gradients of float64 by every table, over all entities (d = %d)", async (dim) => {
    const [fused, tf] = await pair(name, curvature, dim);
    const loss = (tables: Tables): number =>
      targets.reduce((sum, t, b) => {
        const scores = Array.from({ length: entities }, (_, e) =>
          reference(name, fused, tables, heads[b]!, rows[b]!, e),
        );
        const top = Math.max(...scores);
        return sum + (top - scores[t]! + Math.log(scores.reduce((all, s) => all + Math.exp(s - top), 0))) / B;
      }, 0);
    const tables = tablesOf(fused);
    const expected = slopes(tables, loss);
    for (const model of [fused, tf]) {
      const pass = new AllPass(model, B);
      const result = pass.crossEntropy(heads, rows, targets);
      expect(result.loss).toBeCloseTo(loss(tables), 4);
      // A head's bias is the same for every tail; finite differences only see rounding there.
      expect(dense(result.gradients.get("headBias")!, entities, 1)).toEqual(new Array(entities).fill(0));
      compare(
        result.gradients,
        model,
        { ...expected, headBias: new Array<number>(entities).fill(0) },
        2e-4,
        model.config.model,
      );
      pass.dispose();
    }
  });

  it("has the same query points fused and in tfjs, near the origin and near the boundary", async () => {
    for (const scale of [1e-3, 0.1, 1, 3]) {
      const [fused, tf] = await pair(name, curvature, 8);
      const random = new Random(4);
      for (const { name: table, data } of fused.tables.values()) {
        if (table === "curvature") continue;
        const size = table === "rotation" || table === "reflection" ? 1e-3 : scale / Math.sqrt(8);
        for (let i = 0; i < data.length; i++) data[i] = size * random.normal();
      }
      copyParameters(fused, tf);
      const stride = rowStride(8);
      const points = [fused, tf].map((model) => {
        const out = queryBatch(model.kernels.engine, B, 8);
        out.size = B;
        model.encoder.forward(heads, rows, out);
        return {
          q: [...out.q.subarray(0, B * stride)],
          square: [...out.square],
          alpha: [...out.alpha],
          c: [...out.curvature!],
        };
      });
      expect(distance(points[1]!.q, points[0]!.q)).toBeLessThan(2e-6);
      expect(points[1]!.c).toEqual(points[0]!.c);
      points[0]!.alpha.forEach((alpha, b) => {
        // 1 / (1 - |q|^2) magnifies the rounding of |q|^2 by itself.
        expect(Math.abs(points[1]!.alpha[b]! / alpha - 1)).toBeLessThan(4e-7 * alpha + 1e-6);
      });
    }
  });
});

describe("a pass", () => {
  const shapes = [
    [B, K],
    [1, K],
    [B, 1],
    [2, 3],
  ] as const;

  it.each(shapes)(
    "with room for more takes %d queries with %d candidates as one of that very size",
    async (batch, k) => {
      const [model] = await pair("RotH", "shared", 6);
      const roomy = new CandidatePass(model, 3 * B, 5 * K);
      // Leaves its traces in the memory that the smaller call must not read.
      const many = Int32Array.from({ length: 3 * B * 5 * K }, (_, i) => (5 * i) % entities);
      const ones = (n: number, of: number) => Int32Array.from({ length: n }, (_, i) => i % of);
      roomy.forward(ones(3 * B, entities), ones(3 * B, 2 * relations), many);
      roomy.backward(Float32Array.from(many, (id) => id - 3));
      const exact = new CandidatePass(model, batch, k);
      const run = (pass: CandidatePass) => {
        const scores = [...pass.forward(heads.slice(0, batch), rows.slice(0, batch), candidates.slice(0, batch * k))];
        return { scores, gradients: asTables(pass.backward(weights.slice(0, batch * k)), model) };
      };
      const result = run(roomy);
      expect(result).toEqual(run(exact));
      // And once more: nothing is added to what the step before left.
      expect(run(roomy)).toEqual(result);
    },
  );

  it("over all entities with room for more likewise", async () => {
    const [model] = await pair("RotH", "relation", 6);
    const roomy = new AllPass(model, 3 * B);
    roomy.crossEntropy(
      Int32Array.from({ length: 3 * B }, (_, i) => i % 7),
      new Int32Array(3 * B),
      new Int32Array(3 * B),
    );
    const run = (pass: AllPass) => {
      const { loss, gradients } = pass.crossEntropy(heads, rows, targets);
      return { loss, gradients: asTables(gradients, model) };
    };
    const result = run(roomy);
    expect(result).toEqual(run(new AllPass(model, B)));
    expect(run(roomy)).toEqual(result);
  });

  it("sees parameters that were changed, the all-entity one after touch()", async () => {
    const [model] = await pair("RotH", "shared", 6);
    const pass = new CandidatePass(model, B, K);
    const all = new AllPass(model, B);
    const scores = [...pass.forward(heads, rows, candidates)];
    const { loss } = all.crossEntropy(heads, rows, targets);
    model.table("entity").data.forEach((x, i, data) => (data[i] = 0.5 * x));
    model.touch();
    expect([...pass.forward(heads, rows, candidates)]).not.toEqual(scores);
    expect(all.crossEntropy(heads, rows, targets).loss).not.toBe(loss);
  });

  it("leaves no tensor of TensorFlow.js behind, step after step", async () => {
    const tf = await loadTf();
    for (const name of ["AttE", "AttH"]) {
      const [, model] = await pair(name, "shared", 4);
      const pass = new CandidatePass(model, B, K);
      const all = new AllPass(model, B);
      const before = tf.memory().numTensors;
      for (let step = 0; step < 3; step++) {
        pass.forward(heads, rows, candidates);
        pass.backward(weights);
        all.crossEntropy(heads, rows, targets);
        model.topK({ heads, relations: rows }, 2);
        expect(tf.memory().numTensors).toBe(before);
      }
    }
  });
});

describe("on WebAssembly", () => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = await createKernels({ engine: "wasm", threads: 1 });
  });
  afterAll(() => kernels.engine.close());

  it.each(both)("%s with %s curvature has the native gradients", async (name, curvature) => {
    const [native] = await pair(name, curvature, 8);
    const [wasm] = await pair(name, curvature, 8, kernels);
    expect(wasm.kernels.kind).toBe("wasm");
    const results = [native, wasm].map((model) => {
      const pass = new CandidatePass(model, B, K);
      const scores = [...pass.forward(heads, rows, candidates)];
      const fromCandidates = asTables(pass.backward(weights), model);
      const { loss, gradients } = new AllPass(model, B).crossEntropy(heads, rows, targets);
      return { scores, fromCandidates, loss, fromAll: asTables(gradients, model) };
    });
    const [a, b] = [results[0]!, results[1]!];
    expect(distance(b.scores, a.scores)).toBeLessThan(1e-5);
    expect(b.loss).toBeCloseTo(a.loss, 5);
    for (const kind of ["fromCandidates", "fromAll"] as const) {
      for (const [table, values] of Object.entries(a[kind])) {
        expect(distance(b[kind][table]!, values), `${kind}, ${table}`).toBeLessThan(1e-4);
      }
    }
  });
});
