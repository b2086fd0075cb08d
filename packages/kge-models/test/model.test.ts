import { Random } from "@mulde/kernels";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  CandidatePass,
  createModel,
  defineModel,
  expmap0,
  type KgeModel,
  loadTf,
  modelScorer,
  modelTeacher,
  MuldeError,
  type QueryList,
  sharedKernels,
} from "../src/index.js";
import { inverseSoftplus, softplus } from "../src/_softplus.js";
import "./_backends.js";
import { builtIns, isHyperbolic, lively, unfused } from "./_passes.js";

const entities = 40;
const relations = 3;

function queries(count: number, seed = 2): QueryList {
  const random = new Random(seed);
  return {
    heads: Int32Array.from({ length: count }, () => Math.floor(random.uniform() * entities)),
    relations: Int32Array.from({ length: count }, () => Math.floor(random.uniform() * 2 * relations)),
  };
}

describe("createModel", () => {
  it.each(builtIns)("%s has its tables in their shapes, and counts its parameters", async (name) => {
    for (const curvature of ["shared", "relation"] as const) {
      const model = await createModel({ model: name, dim: 8, entities, relations, curvature });
      const shapes = Object.fromEntries(
        [...model.tables.values()].map(({ name: n, rows, width }) => [n, [rows, width]]),
      );
      const odd: Record<string, number[]> = {
        core: [1, 512],
        scale: [2 * relations, 1],
        secondScale: [2 * relations, 1],
        secondRotation: [1, 8],
        secondTranslation: [1, 8],
      };
      const own = Object.keys(model.definition.tables).map((table) => [
        table,
        odd[table] ?? [2 * relations, name === "CP" ? 4 : 8],
      ]);
      expect(shapes).toEqual({
        entity: [entities, 8],
        ...Object.fromEntries(own),
        headBias: [entities, 1],
        tailBias: [entities, 1],
        ...(isHyperbolic(name) && { curvature: [curvature === "shared" ? 1 : 2 * relations, 1] }),
      });
      const count = Object.values(shapes).reduce((sum, [rows, width]) => sum + rows! * width!, 0);
      expect([model.parameters, model.bytes]).toEqual([count, 4 * count]);
      expect([model.dim, model.entities, model.relations, model.hyperbolic]).toEqual([
        8,
        entities,
        relations,
        isHyperbolic(name),
      ]);
    }
  });

  it("starts as the specification says: 1e-3 N(0, 1), U(-1, 1) where asked for, biases 0, c = softplus(1)", async () => {
    defineModel({
      name: "Uniform",
      similarity: "hyperbolic",
      dimMultiple: 1,
      tables: { wide: { width: (dim) => 3 * dim, init: "uniform" } },
      encode: (tf, { head, relation, curvature }) => {
        const [part] = tf.split(relation.wide!, 3, 1);
        return expmap0(tf, tf.mul(head, part!), curvature!);
      },
    });
    const model = await createModel({ model: "Uniform", dim: 20, entities: 2000, relations: 50, seed: 3 });
    const { data } = model.table("entity");
    const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
    const deviation = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
    expect(Math.abs(mean)).toBeLessThan(2e-5);
    expect(deviation).toBeCloseTo(1e-3, 4);
    const { data: wide, width } = model.table("wide");
    expect(width).toBe(60);
    expect(Math.min(...wide)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...wide)).toBeLessThan(1);
    expect(wide.reduce((sum, x) => sum + x * x, 0) / wide.length).toBeCloseTo(1 / 3, 1);
    for (const bias of ["headBias", "tailBias"]) expect(model.table(bias).data.every((x) => x === 0)).toBe(true);
    expect(model.curvature(7)).toBeCloseTo(Math.log1p(Math.E), 6);
  });

  it.each([
    ["DistMult", 0.1],
    ["ComplEx", 0.1],
    ["TransE", 1e-3],
  ])("%s starts at the scale of its definition, %d", async (name, scale) => {
    const model = await createModel({ model: name, dim: 20, entities: 2000, relations: 100, seed: 3 });
    for (const table of ["entity", "relation"]) {
      const { data } = model.table(table);
      const deviation = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
      expect(deviation / scale).toBeCloseTo(1, 1);
    }
  });

  it("is the same for the same seed, and another for another", async () => {
    const values = async (seed?: number) => {
      const model = await createModel({
        model: "RotH",
        dim: 4,
        entities,
        relations,
        ...(seed !== undefined && { seed }),
      });
      return [...model.tables.values()].map(({ data }) => [...data]);
    };
    expect(await values(1)).toEqual(await values(1));
    expect(await values()).toEqual(await values(0));
    expect(await values(2)).not.toEqual(await values(1));
  });

  it("begins at the curvature asked for, whatever its size", async () => {
    for (const c of [1e-6, 0.01, 1, 29, 31, 1e4]) {
      for (const curvature of ["shared", "relation"] as const) {
        const model = await createModel({
          model: "TransH",
          dim: 2,
          entities,
          relations,
          curvature,
          initialCurvature: c,
        });
        for (const r of [0, 5]) expect(model.curvature(r) / c).toBeCloseTo(1, 5);
      }
    }
    fc.assert(
      fc.property(fc.double({ min: -300, max: 300, noNaN: true }), (log) => {
        const c = Math.exp(log);
        expect(Math.abs(softplus(inverseSoftplus(c)) / c - 1)).toBeLessThan(1e-9);
      }),
    );
  });

  it.each<[string, object, string, RegExp]>([
    ["an unknown model", { model: "RotX" }, "MODELS_UNKNOWN_MODEL", /"RotX"; known are TransE, DistE, .*AttH/],
    ["an odd dimension for rotations", { dim: 7 }, "MODELS_CONFIG", /^dim: must be even, but is 7: RotH/],
    [
      "a core that no memory holds",
      { model: "TuckER", dim: 257 },
      "MODELS_CONFIG",
      /^dim: .*1 to 256 for TuckER, but is 257/,
    ],
    ["half quaternions", { model: "QuatE", dim: 6 }, "MODELS_CONFIG", /^dim: .*multiple of 4, but is 6: QuatE/],
    [
      "an odd dimension for complex numbers",
      { model: "ComplEx", dim: 7 },
      "MODELS_CONFIG",
      /^dim: must be even, but is 7: ComplEx/,
    ],
    ["no dimension", { dim: 0 }, "MODELS_CONFIG", /^dim: .*0/],
    ["a fraction of a dimension", { dim: 2.5 }, "MODELS_CONFIG", /^dim: .*2\.5/],
    ["too great a dimension", { dim: 1026 }, "MODELS_CONFIG", /^dim: .*1024/],
    ["no entities", { entities: 0 }, "MODELS_CONFIG", /^entities/],
    ["NaN relations", { relations: NaN }, "MODELS_CONFIG", /^relations/],
    ["an unknown curvature", { curvature: "both" }, "MODELS_CONFIG", /^curvature: .*"both"/],
    ["a curvature of 0", { initialCurvature: 0 }, "MODELS_CONFIG", /^initialCurvature/],
    ["an infinite curvature", { initialCurvature: Infinity }, "MODELS_CONFIG", /^initialCurvature/],
  ])("refuses %s by name", async (_, change, code, message) => {
    const options = { model: "RotH", dim: 4, entities, relations, ...change };
    const error = await createModel(options as never).catch((caught: unknown) => caught as MuldeError);
    expect(error).toMatchObject({ name: "MuldeError", code });
    expect((error as MuldeError).message).toMatch(message);
  });
});

describe("a model", () => {
  let model: KgeModel;
  beforeAll(async () => {
    model = await lively({ model: "RotH", dim: 6, entities, relations });
  });
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(MuldeError);
      return `${(error as MuldeError).code}: ${(error as MuldeError).message}`;
    }
    return "nothing was thrown";
  };

  it.each([...builtIns, unfused("RotH")])("%s gives each pair one score, by whatever way it is asked", async (name) => {
    for (const curvature of ["shared", "relation"] as const) {
      const subject = await lively({ model: name, dim: 8, entities, relations, curvature });
      const asked = queries(9);
      const all = subject.scoreAll(asked);
      expect(all).toHaveLength(9 * entities);
      const near = (actual: number, expected: number) =>
        expect(Math.abs(actual - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));

      const { ids, scores, k } = subject.topK(asked, 7);
      expect(k).toBe(7);
      const tails = Int32Array.from({ length: 9 }, (_, b) => ids[b * 7 + 3]!);
      const single = subject.score({ ...asked, tails, length: 9 });
      const teacher = modelTeacher(subject, "t");
      expect(teacher.name).toBe("t");
      const taught = new Float32Array(9 * 7);
      teacher.score(asked.heads, asked.relations, ids, taught);
      for (let b = 0; b < 9; b++) {
        const row = all.subarray(b * entities, (b + 1) * entities);
        const sorted = [...row].sort((x, y) => y - x);
        near(single[b]!, row[tails[b]!]!);
        for (let i = 0; i < 7; i++) {
          expect(scores[b * 7 + i]).toBe(row[ids[b * 7 + i]!]);
          expect(scores[b * 7 + i]).toBe(sorted[i]);
          near(taught[b * 7 + i]!, sorted[i]!);
        }
      }
    }
  });

  it("takes more queries than one block holds, and none", () => {
    const many = queries(2500);
    const all = model.scoreAll(many);
    const top = model.topK(many, 3);
    const single = model.score({ ...many, tails: many.heads, length: 2500 });
    for (const b of [0, 1023, 1024, 2047, 2048, 2499]) {
      const one = { heads: many.heads.slice(b, b + 1), relations: many.relations.slice(b, b + 1) };
      expect([...model.scoreAll(one)]).toEqual([...all.subarray(b * entities, (b + 1) * entities)]);
      expect([...model.topK(one, 3).ids]).toEqual([...top.ids.subarray(3 * b, 3 * b + 3)]);
      expect(model.score({ ...one, tails: one.heads, length: 1 })[0]).toBe(single[b]);
    }
    expect(model.scoreAll(queries(0))).toHaveLength(0);
    expect(model.topK(queries(0), 3)).toEqual({ k: 3, ids: new Int32Array(), scores: new Float32Array() });
    expect(model.score({ ...queries(0), tails: new Int32Array(), length: 0 })).toHaveLength(0);
  });

  it("gives all entities when more are asked for, ties by the lower id", async () => {
    const { ids, k } = model.topK(queries(2), 1000);
    expect(k).toBe(entities);
    expect([...ids.subarray(0, entities)].sort((a, b) => a - b)).toEqual(Array.from({ length: entities }, (_, i) => i));
    const flat = await createModel({ model: "TransE", dim: 2, entities, relations });
    for (const { data } of flat.tables.values()) data.fill(0);
    expect([...flat.topK(queries(1), 4).ids]).toEqual([0, 1, 2, 3]);
  });

  it("counts rivals as a look at all scores does, filtered ones left out, ties apart", async () => {
    const tied = await lively({ model: "TransE", dim: 2, entities, relations });
    // Every third entity is the same point.
    const { data } = tied.table("entity");
    const bias = tied.table("tailBias").data;
    for (let e = 0; e < entities; e += 3) {
      data.set(data.subarray(0, 2), 2 * e);
      bias[e] = bias[0]!;
    }
    tied.touch();
    const bilinear = await lively({ model: "ComplEx", dim: 8, entities, relations });
    for (const subject of [model, tied, bilinear]) {
      const { heads, relations: rows } = queries(1500, 6);
      const targets = heads.map((_, b) => (7 * b + 3) % entities);
      const filters = [...targets].map((target, b) =>
        Array.from({ length: entities }, (_, e) => e).filter((e) => e !== target && (e * 31 + b) % 5 < b % 4),
      );
      const filterOffsets = Int32Array.from({ length: 1501 }, (_, b) =>
        filters.slice(0, b).reduce((sum, list) => sum + list.length, 0),
      );
      const filterIds = Int32Array.from(filters.flat());
      const out = { greater: new Int32Array(1500), equal: new Int32Array(1500) };
      modelScorer(subject).rank({ heads, relations: rows, targets, filterOffsets, filterIds }, out);
      const all = new Float32Array(1500 * entities);
      modelScorer(subject).scoreAll(heads, rows, all);
      let ties = 0;
      for (let b = 0; b < 1500; b++) {
        const row = all.subarray(b * entities, (b + 1) * entities);
        const target = row[targets[b]!]!;
        const rivals = [...row].filter((_, e) => e !== targets[b] && !filters[b]!.includes(e));
        expect(out.greater[b]).toBe(rivals.filter((score) => score > target).length);
        expect(out.equal[b]).toBe(rivals.filter((score) => score === target).length);
        ties += out.equal[b]!;
      }
      if (subject === tied) expect(ties).toBeGreaterThan(1000);
    }
    expect(modelScorer(model).numEntities).toBe(entities);
  });

  it("never ranks a NaN", async () => {
    const broken = await lively({ model: "RotE", dim: 4, entities, relations });
    broken.table("tailBias").data[11] = NaN;
    broken.touch();
    const { heads, relations: rows } = queries(3);
    const filter = { filterOffsets: new Int32Array(4), filterIds: new Int32Array() };
    const out = { greater: new Int32Array(3), equal: new Int32Array(3) };
    for (const target of [4, 11]) {
      const targets = new Int32Array(3).fill(target);
      expect(() => modelScorer(broken).rank({ heads, relations: rows, targets, ...filter }, out)).toThrow(
        expect.objectContaining({ code: "SCORE_NOT_FINITE" }),
      );
    }
  });

  it("names no entity as the best when scores are NaN", async () => {
    const broken = await lively({ model: "RotH", dim: 4, entities, relations });
    broken.table("entity").data.fill(NaN);
    broken.touch();
    expect(code(() => broken.topK(queries(2), 3))).toMatch(/^MODELS_NOT_FINITE: /);
  });

  it("scores with new parameters after touch()", async () => {
    const subject = await lively({ model: "TransE", dim: 4, entities, relations });
    const asked = queries(2);
    const before = [...subject.scoreAll(asked)];
    subject.table("tailBias").data.forEach((x, e, data) => (data[e] = x + 1));
    const { version } = subject;
    subject.touch();
    expect(subject.version).toBe(version + 1);
    subject.scoreAll(asked).forEach((score, i) => expect(score).toBeCloseTo(before[i]! + 1, 4));
  });

  it("refuses ids that it does not have, and columns that do not fit", () => {
    const one = (h: number, r: number, t: number) => ({
      heads: Int32Array.of(0, h),
      relations: Int32Array.of(0, r),
      tails: Int32Array.of(0, t),
      length: 2,
    });
    expect(code(() => model.score(one(-1, 0, 0)))).toMatch(
      /^MODELS_ID: The head at position 1 is -1, .* go from 0 to 39; indexOf gives -1 for a name that is not in the list/,
    );
    expect(code(() => model.score(one(40, 0, 0)))).toMatch(/^MODELS_ID: The head/);
    expect(code(() => model.score(one(0, 6, 0)))).toMatch(/^MODELS_ID: The relation at position 1 is 6, .* 0 to 5/);
    expect(code(() => model.score(one(0, 5, 40)))).toMatch(/^MODELS_ID: The tail/);
    expect(code(() => model.score({ ...one(0, 0, 0), tails: new Int32Array(4) }))).toMatch(
      /^MODELS_SHAPE: tails: There are 4 tails, but there are 2 heads/,
    );
    expect(code(() => model.score({ ...one(0, 0, 0), length: 3 }))).toMatch(/^MODELS_SHAPE: /);
    expect(code(() => model.scoreAll({ heads: Int32Array.of(0, 1), relations: Int32Array.of(0) }))).toMatch(
      /^MODELS_SHAPE/,
    );
    const { heads, relations: rows } = one(0, 0, 0);
    expect(code(() => model.scoreAll({ heads: [0, 1], relations: rows } as never))).toMatch(
      /^MODELS_SHAPE: heads: heads must be an Int32Array, but is an array; write Int32Array\.from\(heads\)/,
    );
    expect(code(() => model.topK({ heads } as never, 1))).toMatch(/^MODELS_SHAPE: relations: .* but is missing/);
    expect(code(() => model.score({ heads, relations: rows, tails: heads } as never))).toMatch(
      /^MODELS_SHAPE: length: Triples must be \{ heads, .*, but length is missing/,
    );
    expect(code(() => model.topK(one(0, 7, 0), 1))).toMatch(/^MODELS_ID: /);
    for (const k of [0, -1, 1.5, NaN])
      expect(code(() => model.topK(one(0, 0, 0), k))).toMatch(/^MODELS_SHAPE: k: k must/);
    expect(code(() => model.table("rotations"))).toMatch(
      /^MODELS_TABLE: RotH .*"rotations"; it has entity, relation, rotation/,
    );
  });

  it("shares one set of kernels unless it is given others", async () => {
    expect(model.kernels).toBe(await sharedKernels());
    expect(await sharedKernels()).toBe(await sharedKernels());
  });
});

describe("a model of one's own", () => {
  it("is trained by its TensorFlow.js gradients to know a few facts", async () => {
    defineModel({
      name: "Complexer",
      similarity: "dot",
      dimMultiple: 2,
      // ComplEx with a translation: q = h * r (complex product) + shift.
      tables: {
        real: { width: (dim) => dim / 2, init: "uniform" },
        imaginary: { width: (dim) => dim / 2, init: "uniform" },
        shift: { width: (dim) => dim, init: "normal" },
      },
      encode(tf, { head, relation }) {
        const [x, y] = tf.split(head, 2, 1) as [typeof head, typeof head];
        const { real: a, imaginary: b, shift } = relation as Record<string, typeof head>;
        const product = [tf.sub(tf.mul(a!, x), tf.mul(b!, y)), tf.add(tf.mul(a!, y), tf.mul(b!, x))];
        return tf.add(tf.concat(product, 1), shift!);
      },
    });
    const subject = await createModel({ model: "Complexer", dim: 8, entities: 6, relations: 1, seed: 1 });
    expect([...subject.tables.keys()]).toEqual(["entity", "real", "imaginary", "shift", "headBias", "tailBias"]);
    expect(subject.table("real").width).toBe(4);
    await expect(createModel({ model: "Complexer", dim: 7, entities: 6, relations: 1 })).rejects.toMatchObject({
      code: "MODELS_CONFIG",
    });
    const heads = Int32Array.of(0, 1, 2, 3, 4, 5);
    const rows = new Int32Array(6);
    const tails = Int32Array.of(1, 2, 3, 4, 5, 0);
    const pass = new CandidatePass(subject, 6, 6);
    const all = Int32Array.from({ length: 36 }, (_, i) => i % 6);
    const tf = await loadTf();
    const tensors = tf.memory().numTensors;
    for (let step = 0; step < 300; step++) {
      const scores = pass.forward(heads, rows, all);
      const gradient = scores.map((s, at) => 1 / (1 + Math.exp(-s)) - (at % 6 === tails[Math.floor(at / 6)] ? 1 : 0));
      for (const [name, { ids, count, values }] of pass.backward(gradient)) {
        const { data, width } = subject.table(name);
        for (let i = 0; i < count; i++) {
          const row = ids ? ids[i]! : i;
          for (let k = 0; k < width; k++) data[row * width + k]! -= 0.05 * values[i * width + k]!;
        }
      }
      subject.touch();
    }
    expect(tf.memory().numTensors).toBe(tensors);
    expect([...subject.topK({ heads, relations: rows }, 1).ids]).toEqual([...tails]);
  });
});
