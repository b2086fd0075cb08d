import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnswerIndex, indexAnswers, tripleList } from "@mulde/datasets";
import { sharedKernels } from "@mulde/kge-models";
import { softmaxWeights, type Teacher, uniformAttention, zScore } from "@mulde/senior";
import { describe, expect, it } from "vitest";
import { distillationObjective } from "../../src/distillation/distillation.js";
import {
  type Batch,
  distil,
  type DistilInput,
  type DistilOptions,
  distilSchema,
  parseOptions,
  type SeniorParts,
  type TrainEvent,
} from "../../src/index.js";
import { streamSeed } from "../../src/run/streams.js";
import { dense, expectNear, lively, tablesOf } from "../_models.js";
import { changed, ring } from "../_planted.js";
import { failure, finish } from "../_runs.js";
import { bce, gradients, kl, score, type Shape, sigmoid, softmax, type Tables } from "../_reference.js";

const entities = 12;
const relations = 2;
const heads = Int32Array.of(0, 4, 4, 11, 2);
const rows = Int32Array.of(0, 1, 3, 2, 2);
const tails = Int32Array.of(3, 0, 4, 7, 3);
const B = heads.length;
const negatives = 6;
const topK = 5;
const seed = 9;
const batchSize = 8;

// What the training split knows: the batch and one more answer of its first query.
const index = indexAnswers(
  entities,
  2 * relations,
  tripleList(Int32Array.of(...heads, 0), Int32Array.of(...rows, 0), Int32Array.of(...tails, 8)),
);
const queries = tripleList(heads, rows, tails);
const known = { answers: (): AnswerIndex => index, queries };
const base: DistilInput = {
  seed,
  batchSize,
  model: { name: "RotH", dim: 4 },
  negatives,
  soft: { candidates: topK },
};
const parse = (more: DistilInput): DistilOptions => parseOptions(distilSchema, changed(more, base));

const teacherScore = (i: number, h: number, r: number, e: number): number =>
  3 * Math.sin(1 + 7 * h + 3 * r + (i + 2) * e) - i;

const teachers: Teacher[] = [0, 1, 2].map((i) => ({
  name: `teacher ${i}`,
  score(hs, rs, candidates, out) {
    const K = candidates.length / hs.length;
    candidates.forEach((e, at) => (out[at] = teacherScore(i, hs[Math.floor(at / K)]!, rs[Math.floor(at / K)]!, e)));
  },
}));
const m = teachers.length;

/** The parts of MulDE's loss, sections 4 and 5 of the specification; the attention is that of `fixed`, as it is detached. */
function losses(
  shape: Shape,
  options: { lambda: number; T: number; tau: number; scaled: boolean; loss: string },
  ids: { hard: number[][]; soft: number[][] },
  tables: Tables,
  fixed: Tables,
): { hard: number; soft: number; senior: number; total: number } {
  const { lambda, T, tau, scaled, loss } = options;
  const junior = (from: Tables, which: number[][]): number[][] =>
    which.map((row, b) => row.map((e) => score(shape, from, heads[b]!, rows[b]!, e)));
  const scaledTeacher = (from: Tables, i: number, b: number): number[] =>
    ids.soft[b]!.map((e) => {
      const g = scaled ? sigmoid(from["senior.scaling"]![rows[b]! * m + i]!) : 1;
      return g * Math.fround(teacherScore(i, heads[b]!, rows[b]!, e));
    });
  const hardScores = junior(tables, ids.hard);
  const hard =
    loss === "1vsAll"
      ? hardScores.reduce((sum, row, b) => sum - Math.log(softmax(row)[tails[b]!]!) / B, 0)
      : bce(
          hardScores,
          hardScores.map((row, b) => {
            const own = index.answers(heads[b]!, rows[b]!);
            return row.map((_, k) => (loss === "KvsAll" ? Number(own.includes(k)) : k === 0 ? 1 : 0));
          }),
        );
  const softScores = junior(tables, ids.soft);
  const fixedScores = junior(fixed, ids.soft);
  const logits = ids.soft.map((row, b) => {
    const divergences = teachers.map((_, i) => kl(fixedScores[b]!, scaledTeacher(fixed, i, b)));
    const weights = tau === Infinity ? divergences.map(() => 1 / m) : softmax(divergences.map((d) => -d / tau));
    return row.map((_, k) => teachers.reduce((sum, __, i) => sum + weights[i]! * scaledTeacher(tables, i, b)[k]!, 0));
  });
  const over = (x: readonly number[]): number[] => x.map((v) => v / T);
  const soft = logits.reduce((sum, row, b) => sum + (T * T * kl(over(row), over(softScores[b]!))) / B, 0);
  const senior = bce(
    logits,
    // One label a query: a random candidate may be the true answer once more.
    ids.soft.map((row, b) => row.map((_, k) => (k === row.indexOf(tails[b]!) ? 1 : 0))),
  );
  return { hard, soft, senior, total: hard + lambda * soft + senior };
}

interface Case {
  readonly title: string;
  readonly epoch: number;
  readonly tau: number;
  readonly options?: DistilInput;
}

const cases: Case[] = [
  { title: "epoch 0: tau = 1", epoch: 0, tau: 1 },
  { title: "epoch 7: tau = e", epoch: 7, tau: Math.E },
  { title: "epoch 25: tau = e^5", epoch: 25, tau: Math.exp(5) },
  { title: "temperature 2", epoch: 0, tau: 1, options: { soft: { temperature: 2 } } },
  { title: "one curvature per relation", epoch: 7, tau: Math.E, options: { model: { curvature: "relation" } } },
  { title: "a Euclidean Junior", epoch: 0, tau: 1, options: { model: "TransE" } },
  { title: "uniform attention", epoch: 0, tau: Infinity, options: { senior: { attention: "uniform" } } },
  { title: "no scaling", epoch: 0, tau: 1, options: { senior: { scaling: "none" } } },
  {
    title: "scaling trained by the Senior's loss alone",
    epoch: 0,
    tau: 1,
    options: { senior: { trainOnSoft: false } },
  },
  { title: "random candidates", epoch: 0, tau: 1, options: { soft: { candidates: "random" } } },
  { title: "the hard label's candidates", epoch: 0, tau: 1, options: { soft: { candidates: "sampled" } } },
  { title: "all entities as candidates", epoch: 0, tau: 1, options: { soft: { candidates: "all" } } },
  { title: "beside 1vsAll", epoch: 0, tau: 1, options: { loss: "1vsAll" } },
  { title: "beside KvsAll", epoch: 7, tau: Math.E, options: { loss: "KvsAll" } },
  {
    title: "beside 1vsAll, a Euclidean Junior, all",
    epoch: 0,
    tau: 1,
    options: { loss: "1vsAll", model: "TransE", soft: { candidates: "all" } },
  },
];

describe("a distillation step", () => {
  it.each(cases)("has the losses and gradients of the formulas, $title", async ({ epoch, tau, options }) => {
    const lambda = 0.7;
    const plain: DistilInput = { model: { curvature: "shared" }, loss: { adversarial: 0 }, soft: { weight: lambda } };
    const input = parse(changed(options ?? {}, plain));
    const shape = { model: input.model.name, dim: 4 } as Shape;
    const junior = await lively({ ...shape, curvature: input.model.curvature, entities, relations });
    const objective = distillationObjective(junior, teachers, input, known);
    const scaled = input.senior.scaling === "relation";
    expect(objective.extra.map(({ name, rows, width }) => [name, rows, width])).toEqual(
      scaled ? [["senior.scaling", 2 * relations, m]] : [],
    );
    // Away from its start, so that the scales differ.
    objective.extra[0]?.data.forEach((w, i, data) => (data[i] = w + Math.sin(i)));

    const step = 4;
    const draws = async (stream: "negatives" | "randomCandidates", n: number): Promise<number[][]> => {
      const ids = new Int32Array(B * (1 + n));
      const draw = { batch: B, negatives: n, entities, seed: streamSeed(seed, stream), counter: step * batchSize };
      const counter = draw.counter * (stream === "negatives" ? n : topK);
      (await sharedKernels()).sampleCandidates({ ...draw, counter }, tails, ids);
      return Array.from({ length: B }, (_, b) => [...ids.subarray(b * (1 + n), (b + 1) * (1 + n))]);
    };
    const tables: Tables = { ...tablesOf(junior), ...(scaled && { "senior.scaling": [...objective.extra[0]!.data] }) };
    const best = [...heads].map((h, b) =>
      Array.from({ length: entities }, (_, e) => e)
        .sort((x, y) => score(shape, tables, h, rows[b]!, y) - score(shape, tables, h, rows[b]!, x))
        .slice(0, topK),
    );
    const everything = Array.from({ length: B }, () => Array.from({ length: entities }, (_, e) => e));
    const hard = input.loss.name === "bce" ? await draws("negatives", negatives) : everything;
    const { source } = input.soft.candidates;
    const random = await draws("randomCandidates", topK - 1);
    const soft = { random, sampled: hard, all: everything, junior: best }[source];
    const ids = { hard, soft };
    // Both a true answer among the candidates and one that is not: else the Senior's labels would not be tested.
    const found = ids.soft.map((row, b) => row.includes(tails[b]!));
    if (source === "junior" && shape.model === "RotH") expect(new Set(found).size).toBe(2);

    const batch: Batch = { epoch, step, heads, relations: rows, tails };
    const { loss, gradients: actual } = await objective.step(batch);
    const formula = { lambda, T: input.soft.temperature, tau, scaled, loss: input.loss.name };
    const expected = losses(shape, formula, ids, tables, tables);
    for (const part of ["hard", "soft", "senior", "total"] as const) {
      expect(loss[part], part).toBeCloseTo(expected[part], 4);
    }

    const slopes = gradients(tables, (moved) => losses(shape, formula, ids, moved, tables).total);
    if (!input.senior.trainOnSoft) {
      const own = { "senior.scaling": tables["senior.scaling"]! };
      const senior = gradients(own, (moved) => losses(shape, formula, ids, { ...tables, ...moved }, tables).senior);
      slopes["senior.scaling"] = senior["senior.scaling"]!;
    }
    expect([...actual.keys()].sort()).toEqual(Object.keys(tables).sort());
    for (const [name, gradient] of actual) {
      const table = junior.tables.get(name) ?? { rows: 2 * relations, width: m };
      expectNear(name, dense(gradient, table.rows, table.width), slopes[name]!);
    }
    objective.dispose();
    junior.dispose();
  });

  it("takes all entities as candidates when there are fewer than K", async () => {
    const input = parse({ negatives: 3, soft: { candidates: 256 } });
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const asked: number[][] = [];
    const spy: Teacher = {
      name: "spy",
      score(_, __, candidates, out) {
        out.fill(1);
        asked.push([...candidates]);
      },
    };
    const objective = distillationObjective(junior, [spy], input, known);
    await objective.step({ epoch: 0, step: 0, heads, relations: rows, tails });
    for (let b = 0; b < B; b++) {
      const own = asked[0]!.slice(b * entities, (b + 1) * entities).sort((x, y) => x - y);
      expect(own).toEqual(Array.from({ length: entities }, (_, e) => e));
    }
    objective.dispose();
  });

  it.each(["junior", "random"] as const)("runs with a single candidate (%s)", async (candidates) => {
    const input = parse({ negatives: 1, soft: { candidates: { source: candidates, k: 1 } } });
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const objective = distillationObjective(junior, teachers, input, known);
    const { loss } = await objective.step({ epoch: 0, step: 0, heads, relations: rows, tails });
    // A softmax over one candidate is 1 whatever its score.
    expect(loss.soft).toBeCloseTo(0, 6);
    expect(Number.isFinite(loss.total)).toBe(true);
    objective.dispose();
  });

  it.each<DistilInput>([
    {},
    { soft: { confidence: 3 } },
    { soft: { queries: 1 }, negatives: 1 },
    { soft: { candidates: "sampled" } },
    { rules: ["ownHead", "neighbours"], negatives: { filter: true, bothEnds: 1 } },
    { loss: "KvsAll" },
  ])("does not depend on the step before it: %o", async (changes) => {
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const pick = (from: number, to: number): Batch => ({
      epoch: 0,
      step: from,
      heads: heads.slice(from, to),
      relations: rows.slice(from, to),
      tails: tails.slice(from, to),
    });
    const outcome = async (batches: readonly Batch[]): Promise<unknown> => {
      const objective = distillationObjective(junior, teachers, parse(changes), known);
      let last: unknown;
      for (const batch of batches) {
        const { loss, attention, gradients: found } = await objective.step(batch);
        const entity = dense(found.get("entity")!, entities, 4);
        last = { loss, attention, entity, scaling: [...found.get("senior.scaling")!.values] };
      }
      objective.dispose();
      return last;
    };
    const [first, second] = [pick(0, 2), pick(2, 5)];
    expect(await outcome([first, second])).toEqual(await outcome([second]));
    expect(await outcome([second, first])).toEqual(await outcome([first]));
    expect(await outcome([first])).not.toEqual(await outcome([second]));
    junior.dispose();
  });

  it("asks no teacher once the Junior scores NaN", async () => {
    const input = parse({ negatives: 1 });
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    junior.table("entity").data.fill(NaN);
    junior.touch();
    let asked = 0;
    const spy: Teacher = {
      name: "spy",
      score() {
        asked++;
      },
    };
    const objective = distillationObjective(junior, [spy], input, known);
    await expect(objective.step({ epoch: 0, step: 0, heads, relations: rows, tails })).rejects.toMatchObject({
      code: "SCORE_NOT_FINITE",
    });
    expect(asked).toBe(0);
    objective.dispose();
  });

  it("weighs soft against hard labels by the teachers' score of the true answer", async () => {
    const plainly: DistilInput = { soft: { weight: 0.7 }, senior: { scaling: "none", attention: "uniform" } };
    // Far above 0 the soft label counts twice and the hard one not at all, far below the other way round.
    const mean = (b: number): number =>
      teachers.reduce((sum, _, i) => sum + teacherScore(i, heads[b]!, rows[b]!, tails[b]!), 0) / m;
    const b = [0, 1, 2, 3, 4].find((at) => Math.abs(mean(at)) > 0.3)!;
    const entityGradient = async (changes: DistilInput): Promise<number[]> => {
      const junior = await lively({ model: "RotH", dim: 4, entities, relations });
      const objective = distillationObjective(junior, teachers, parse(changed(changes, plainly)), known);
      const pick = (ids: Int32Array): Int32Array => Int32Array.of(ids[b]!);
      const batch = { epoch: 0, step: 4, heads: pick(heads), relations: pick(rows), tails: pick(tails) };
      const { gradients: found } = await objective.step(batch);
      const { rows: length, width } = junior.table("entity");
      const entity = dense(found.get("entity")!, length, width);
      objective.dispose();
      return entity;
    };
    const certain = await entityGradient({ soft: { confidence: 1e3 } });
    const plain = await entityGradient({});
    const hardOnly = await entityGradient({ soft: { weight: 0 } });
    const expected = plain.map((g, i) => (mean(b) > 0 ? 2 * (g - hardOnly[i]!) : 2 * hardOnly[i]!));
    expectNear("entity", certain, expected);
  });

  /** The loss of one step where the teachers praise some entities in answer to some queries. */
  async function lossWith(options: DistilInput, praise: (h: number, r: number, e: number) => boolean): Promise<number> {
    const praising = teachers.map(({ name }, i): Teacher => {
      const praised = (h: number, r: number, e: number): number =>
        teacherScore(i, h, r, e) + (praise(h, r, e) ? 30 : 0);
      return {
        name,
        score(hs, rs, candidates, out) {
          const K = candidates.length / hs.length;
          candidates.forEach((e, at) => (out[at] = praised(hs[Math.floor(at / K)]!, rs[Math.floor(at / K)]!, e)));
        },
      };
    });
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const parsed = parse(changed(options, { soft: { candidates: 10 } }));
    const objective = distillationObjective(junior, praising, parsed, known);
    const { loss } = await objective.step({ epoch: 0, step: 4, heads, relations: rows, tails });
    objective.dispose();
    junior.dispose();
    return loss.total;
  }
  const unpraised = (): boolean => false;

  it.each<DistilInput>([
    { soft: { candidates: "all" } },
    { soft: { candidates: { refresh: 3 } } },
    { soft: { queries: 1 }, negatives: 1 },
  ])("ownHead leaves out what teachers say of a query's own head, but of a known loop: %o", async (changes) => {
    const own: DistilInput = { ...changes, rules: ["ownHead"] };
    const isLoop = (h: number, r: number): boolean => h === 4 && r === 3;
    const plain = await lossWith(own, unpraised);
    expect(await lossWith(own, (h, r, e) => e === h && !isLoop(h, r))).toBe(plain);
    expect(await lossWith(own, (h, r, e) => e === h && isLoop(h, r))).not.toBeCloseTo(plain, 2);
    const heads = await lossWith(changes, (h, r, e) => e === h && !isLoop(h, r));
    expect(heads).not.toBeCloseTo(await lossWith(changes, unpraised), 2);
  });

  it.each<[DistilInput, DistilInput, number]>([
    // Relation 1 leads from 4 to 0, and relation 3 from 4 to itself.
    [{ rules: ["neighbours"] }, {}, 0],
    // Relation 2 gives 3 to 2 alone.
    [{ rules: [{ functional: 1 }] }, { rules: [{ functional: 0.5 }] }, 3],
  ])("%o leaves out what teachers say of answers that it knows to be wrong", async (option, without, wrong) => {
    const praise = (h: number, r: number, e: number): boolean => {
      return e === wrong && (wrong === 3 ? h === 11 && r === 2 : h === 4 && r === 3);
    };
    const all: DistilInput = { soft: { candidates: "all" } };
    expect(await lossWith({ ...all, ...option }, praise)).toBe(await lossWith({ ...all, ...option }, unpraised));
    const told = await lossWith({ ...all, ...without }, praise);
    expect(told).not.toBeCloseTo(await lossWith({ ...all, ...without }, unpraised), 2);
  });

  it.each<[DistilInput, number[]]>([
    [{}, [topK]],
    [{ soft: { candidates: { refresh: 3 } } }, [topK]],
    [{ soft: { queries: 1 }, negatives: 1 }, [topK, 2 + topK]],
  ])("known: false asks teachers about the Junior's best without known answers: %o", async (changes, expected) => {
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const asked = new Map<string, number[]>();
    const widths = new Set<number>();
    const recording: Teacher = {
      name: "recording",
      score(hs, rs, candidates, out) {
        const K = candidates.length / hs.length;
        widths.add(K);
        hs.forEach((h, b) => asked.set(`${h} ${rs[b]}`, [...candidates.subarray(b * K, (b + 1) * K)]));
        out.fill(0);
      },
    };
    const unknown: DistilInput = { soft: { candidates: { known: false } }, senior: { scaling: "none" } };
    const objective = distillationObjective(junior, [recording], parse(changed(changes, unknown)), known);
    await objective.step({ epoch: 0, step: 4, heads, relations: rows, tails });
    for (let b = 0; b < B; b++) {
      const [h, r] = [heads[b]!, rows[b]!];
      const { ids } = junior.topK({ heads: Int32Array.of(h), relations: Int32Array.of(r) }, entities);
      const strangers = [...ids].filter((id) => !index.has(h, r, id));
      const found = asked.get(`${h} ${r}`)!;
      expect(found).toEqual(strangers.slice(0, found.length));
    }
    expect([...widths]).toEqual(expected);
    objective.dispose();
    junior.dispose();
  });

  it.each<DistilInput>([
    { negatives: { filter: true } },
    { rules: ["ownHead"] },
    { rules: ["neighbours"] },
    { rules: [{ functional: 1 }] },
    { soft: { queries: 0.5 }, negatives: 1 },
    { soft: { candidates: { refresh: 2 } } },
    { soft: { candidates: { known: false } }, senior: { scaling: "none" } },
  ])("names the missing training split: %o", async (changes) => {
    const junior = await lively({ model: "RotH", dim: 4, entities, relations });
    const refused = failure(() => distillationObjective(junior, teachers, parse(changes)));
    expect(refused).toMatchObject({ code: "TRAINER_DATA" });
    expect(refused.reason).toContain("pass prepareData(data) to the objective");
    // With it, the objective is made.
    distillationObjective(junior, teachers, parse(changes), known).dispose();
    junior.dispose();
  });

  it("takes the Senior's mechanisms by name, or those that it is given", async () => {
    const total = async (own: DistilInput["senior"], parts: SeniorParts = {}): Promise<number> => {
      const junior = await lively({ model: "RotH", dim: 4, entities, relations });
      const objective = distillationObjective(junior, teachers, parse({ senior: own }), known, { senior: parts });
      const { loss } = await objective.step({ epoch: 0, step: 0, heads, relations: rows, tails });
      objective.dispose();
      junior.dispose();
      return loss.total;
    };
    const plain = await total({});
    const named = await total({ normalization: "zScore", scaling: "softmax", attention: "uniform" });
    expect(named).not.toBeCloseTo(plain, 3);
    const scaling = softmaxWeights({ relations: 2 * relations, teachers: m });
    expect(await total({}, { normalization: zScore(), scaling, attention: uniformAttention() })).toBe(named);
    for (const normalization of ["belowBest", "ranks"] as const) {
      expect(await total({ normalization })).not.toBeCloseTo(plain, 3);
    }
  });
});

it("an epoch's event tells the teachers' mean attention weights, the same after a resumption", async () => {
  const data = ring();
  const near: Teacher = { ...teachers[0]!, name: "near" };
  const seen: (readonly number[] | undefined)[] = [];
  const options = changed({ epochs: 3, soft: { candidates: 8 } });
  const stepsPerEpoch = Math.ceil((2 * data.train.length) / options.batchSize!);
  for await (const event of distil(options, { data, teachers: [near, teachers[1]!] })) {
    if (event.type === "epoch") seen.push(event.attention);
  }
  expect(seen).toHaveLength(3);
  for (const weights of seen) {
    expect(weights).toHaveLength(2);
    expect(weights![0]! + weights![1]!).toBeCloseTo(1, 5);
  }
  // The Junior moves, and what is near to it changes.
  expect(seen[0]).not.toEqual(seen[2]);

  const checkpoint = join(mkdtempSync(join(tmpdir(), "mulde-attention-")), "checkpoint.safetensors");
  const again: typeof seen = [];
  const abort = new AbortController();
  let steps = 0;
  // Its signal comes in the second epoch, after the first of its steps.
  const stopping: Teacher = {
    name: "near",
    score(...call) {
      if (++steps === stepsPerEpoch + 1) abort.abort();
      return near.score(...call);
    },
  };
  const keep = (event: TrainEvent): unknown => event.type === "epoch" && again.push(event.attention);
  const stopped = distil(options, { data, teachers: [stopping, teachers[1]!], checkpoint, signal: abort.signal });
  await expect(finish(stopped, keep)).rejects.toThrow();
  expect(again).toHaveLength(1);
  await finish(distil(options, { data, teachers: [near, teachers[1]!], checkpoint }), keep);
  expect(again).toEqual(seen);
});
