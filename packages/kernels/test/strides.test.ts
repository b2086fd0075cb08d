import { describe, expect, it } from "vitest";
import type { MuldeError } from "../src/index.js";
import { pointTable, queryBatch, Random } from "../src/index.js";
import { onEveryEngine } from "./_engines.js";
import { copy, ints } from "./_model.js";

// A block's rows start after the first column of wider rows and end before the last.
const before = 3;
const behind = 2;
const untouched = -77;
const blocks = [
  [1, 1],
  [3, 16],
  [5, 7],
  [40, 129],
] as const;

type Values = Float32Array | Int32Array;

/** A matrix with room around a block of B x K, filled with a mark, and the block itself, whose rows are `stride` apart. */
function room<A extends Values>(make: (length: number) => A, B: number, K: number) {
  const stride = before + K + behind;
  const all = make(B * stride).fill(untouched) as A;
  return { all, stride, block: all.subarray(before) as A };
}

/** Copies contiguous rows into a block. */
function put(block: Values, stride: number, values: Values, K: number): void {
  for (let i = 0; i < values.length; i++) block[Math.floor(i / K) * stride + (i % K)] = values[i]!;
}

/** The block must hold the bits of the contiguous rows, and everything around it the mark. */
function same({ all, stride }: { all: Values; stride: number }, rows: Values, K: number): void {
  const wanted = all.slice().fill(untouched);
  put(wanted.subarray(before), stride, rows, K);
  expect(new Uint8Array(all.slice().buffer)).toEqual(new Uint8Array(wanted.buffer));
}

function scoresOf(length: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length }, () => 4 * random.normal());
}

onEveryEngine((kernels) => {
  const float = (length: number) => kernels().engine.float32(length);
  const int = (length: number) => kernels().engine.int32(length);

  describe.each(blocks)("strided rows give the same as contiguous rows, B = %i, K = %i", (B, K) => {
    it.each([0, 0.5])("bce, adversarial temperature %d", (adversarial) => {
      const k = kernels();
      const scores = copy(k, scoresOf(B * K, 1));
      const options = { positiveWeight: 0.5, negativeWeight: 0.25, adversarial };
      const gradient = float(B * K);
      const loss = k.bce(B, K, scores, options, gradient);
      const wide = room(float, B, K);
      const out = room(float, B, K);
      put(wide.block, wide.stride, scores, K);
      expect(k.bce(B, K, wide.block, options, out.block, wide.stride)).toBe(loss);
      same(out, gradient, K);
      same(wide, scores, K);
    });

    it("crossEntropy", () => {
      const k = kernels();
      const scores = copy(k, scoresOf(B * K, 2));
      const gradient = float(B * K);
      const loss = k.crossEntropy(B, K, scores, 0.3, gradient);
      const wide = room(float, B, K);
      const out = room(float, B, K);
      put(wide.block, wide.stride, scores, K);
      expect(k.crossEntropy(B, K, wide.block, 0.3, out.block, wide.stride)).toBe(loss);
      same(out, gradient, K);
      same(wide, scores, K);
    });

    it("sampleCandidates", () => {
      const k = kernels();
      const targets = ints(
        k,
        Array.from({ length: B }, (_, b) => b),
      );
      const options = { batch: B, negatives: K - 1, entities: 1000, seed: 5, counter: 12 };
      const ids = int(B * K);
      k.sampleCandidates(options, targets, ids);
      const wide = room(int, B, K);
      k.sampleCandidates({ ...options, stride: wide.stride }, targets, wide.block);
      same(wide, ids, K);
    });

    it.each([true, false])("seniorStep, trained on the soft labels: %s", (trainOnSoft) => {
      const k = kernels();
      const m = 3;
      const scores = copy(k, scoresOf(B * K, 3));
      const step = {
        batch: B,
        candidates: K,
        teachers: m,
        teacherScores: copy(k, scoresOf(m * B * K, 4)),
        scales: copy(k, scoresOf(B * m, 5)),
        attentionTemperature: 0.7,
        targets: ints(
          k,
          Array.from({ length: B }, (_, b) => (b % (K + 1)) - 1),
        ),
        temperature: 2,
        softWeight: 0.4,
        trainOnSoft,
      };
      const outputs = () => ({ softLogits: float(B * K), weights: float(B * m), gradScales: float(B * m) });
      const [plain, strided] = [outputs(), outputs()];
      const gradient = float(B * K);
      const losses = k.seniorStep({ ...step, ...plain, juniorScores: scores, gradJunior: gradient });
      const wide = room(float, B, K);
      const out = room(float, B, K);
      put(wide.block, wide.stride, scores, K);
      const blocks = { juniorScores: wide.block, gradJunior: out.block, stride: wide.stride };
      expect(k.seniorStep({ ...step, ...strided, ...blocks })).toEqual(losses);
      expect(strided).toEqual(plain);
      same(out, gradient, K);
      same(wide, scores, K);
    });

    it.each([true, false])("topK, sorted: %s", (sorted) => {
      const k = kernels();
      const [n, dim] = [200, 8];
      const queries = queryBatch(k.engine, B, dim);
      const points = pointTable(k.engine, n, dim, true);
      queries.q.set(scoresOf(queries.q.length, 6));
      k.points("dot", copy(k, scoresOf(n * dim, 7)), null, 1, null, points);
      const [ids, scores] = [int(B * K), float(B * K)];
      k.topK("dot", queries, points, K, ids, scores, sorted);
      const [wideIds, wideScores] = [room(int, B, K), room(float, B, K)];
      k.topK("dot", queries, points, K, wideIds.block, wideScores.block, sorted, wideIds.stride);
      same(wideIds, ids, K);
      same(wideScores, scores, K);
    });
  });

  it("refuses a stride below a row's width, and arrays too short for the stride", () => {
    const k = kernels();
    const options = { positiveWeight: 1, negativeWeight: 1, adversarial: 0 };
    // Two rows of 4, 6 apart, end after 10 values.
    expect(() => k.bce(2, 4, float(9), options, float(10), 6)).toThrow(
      expect.objectContaining({ code: "KERNELS_BAD_LENGTH" }) as MuldeError,
    );
    expect(k.bce(2, 4, float(10), options, float(10), 6)).toBeGreaterThan(0);
    for (const stride of [3, 4.5, NaN]) {
      expect(() => k.crossEntropy(2, 4, float(12), 1, float(12), stride)).toThrow(
        expect.objectContaining({ code: "KERNELS_BAD_SHAPE", path: ["crossEntropy", "stride"] }) as MuldeError,
      );
    }
  });
});
