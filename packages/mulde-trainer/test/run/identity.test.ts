import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createModel, type KgeModel } from "@mulde/kge-models";
import {
  belowBest,
  contrastAttention,
  fixedWeights,
  noScaling,
  rankScores,
  relationScaling,
  softmaxWeights,
  type Teacher,
  uniformAttention,
  zScore,
} from "@mulde/senior";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AnswerRule,
  type CandidateSource,
  type DistilContext,
  distil,
  type DistillationParts,
  type DistilOptions,
  distilSchema,
  type Label,
  merged,
  optionEntries,
  type QuerySource,
  type SeniorParts,
  type StepParts,
  train,
  trainSchema,
} from "../../src/index.js";
import { differences, neutral, runIdentity } from "../../src/run/identity.js";
import { optionNames } from "../../src/run/parse.js";
import { changed, ring, without } from "../_planted.js";
import { eventsOf } from "../_runs.js";

// Written out, not filled in: what older runs were made with stays, whatever defaults are today.
const recorded: DistilOptions = {
  seed: 0,
  epochs: 30,
  batchSize: 256,
  model: { name: "RotH", dim: 32, curvature: "relation", initialCurvature: 1.3132616875182228, biases: true },
  optimizer: { name: "adam", learningRate: 0.004, weightDecay: 0, clipNorm: 0, sparse: false, averaging: 0 },
  schedule: { name: "cosine", warmup: 0.02 },
  loss: { name: "bce", adversarial: 1, margin: 1, smoothing: 0 },
  negatives: { count: 255, filter: false, bothEnds: 0 },
  rules: [],
  regularizer: { name: "none", weight: 0, dropout: 0 },
  validation: { every: 5, patience: 10, triples: 0 },
  soft: {
    weight: 1,
    temperature: 1,
    candidates: { source: "junior", k: 256, refresh: 1, known: true },
    queries: 0,
    confidence: 0,
    adaptFrom: 0,
  },
  senior: { normalization: "none", scaling: "relation", attention: "contrast", trainOnSoft: true },
};
const other: DistilOptions = {
  ...recorded,
  epochs: 50,
  model: { ...recorded.model, name: "TransE", dim: 8 },
  rules: ["ownHead", { functional: 1.05 }],
  soft: { ...recorded.soft, weight: 0.5, candidates: { ...recorded.soft.candidates, k: 64 } },
};
const print = "a".repeat(64);

describe("the identity of a run", () => {
  it("is what it was for runs of before", () => {
    // A failure here orphans every checkpoint and result there is: a new option needs its neutral value, and a neutral value never changes.
    expect(runIdentity("distil", print, recorded, [["one", "two"], null])).toBe("852238d67c3fa275");
    expect(runIdentity("distil", print, other, [["one", "two"], null])).toBe("2b5566f64621b4e6");
    expect(runIdentity("train", print, without(other, "soft", "senior"), [])).toBe("997f27c2a9a7dd8f");
  });

  it("depends on the kind of run, the data, the options and the rest", () => {
    const all = [
      runIdentity("distil", print, recorded, []),
      runIdentity("train", print, recorded, []),
      runIdentity("distil", "b".repeat(64), recorded, []),
      runIdentity("distil", print, other, []),
      runIdentity("distil", print, recorded, ["teacher"]),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("does not depend on an option that was added, at its neutral value", () => {
    const later = { ...recorded, soft: { ...recorded.soft, novelty: 3 }, extra: { depth: [1] } };
    const values = { ...neutral, "soft.novelty": 3, "extra.depth": [1] };
    expect(differences(later, values)).toEqual(differences(recorded));
    expect(differences({ ...later, soft: { ...later.soft, novelty: 4 } } as DistilOptions, values)).toEqual({
      "soft.novelty": 4,
    });
    // Without one it would.
    expect(differences(later)).toEqual({ "soft.novelty": 3, "extra.depth": [1] });
  });

  it("changes with a default, since what is filled in is what counts", () => {
    const identity = (options: unknown): string => runIdentity("distil", print, options as DistilOptions, []);
    const numbers = [...optionEntries(distilSchema)].filter((entry) => typeof entry.default === "number");
    expect(numbers.length).toBeGreaterThan(20);
    for (const { name, default: value } of numbers) {
      const path = name.split(".");
      const next = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), (value as number) + 1);
      expect(identity(merged(recorded, next)), name).not.toBe(identity(recorded));
    }
  });

  it("is told by the differences from neutral values, sorted by name", () => {
    expect(differences(recorded)).toEqual({});
    const told = differences(other);
    expect(told).toEqual({
      epochs: 50,
      "model.dim": 8,
      "model.name": "TransE",
      rules: ["ownHead", { functional: 1.05 }],
      "soft.candidates.k": 64,
      "soft.weight": 0.5,
    });
    expect(Object.keys(told)).toEqual(Object.keys(told).sort());
  });

  it("has a neutral value for each option, and none for what is no option", () => {
    expect(Object.keys(neutral).sort()).toEqual(optionNames(distilSchema).sort());
    for (const name of optionNames(trainSchema)) expect(neutral).toHaveProperty([name]);
  });
});

describe("a checkpoint that was written before", () => {
  // Both were stopped after four of six steps, and stay as they are: that a new version goes on from them is what is tested.
  const small = { ...ring(8, 2), fingerprint: print };
  const options = merged(recorded, {
    epochs: 2,
    batchSize: 8,
    model: { name: "TransE", dim: 2 },
    negatives: 3,
    soft: { candidates: 4 },
    validation: { every: 1 },
  }) as DistilOptions;
  const teachers: Teacher[] = [
    { name: "flat", score: (_, __, ___, out) => void out.fill(1) },
    { name: "rising", score: (_, __, candidates, out) => out.set(candidates) },
  ];
  const runs = {
    train: (checkpoint: string) => train(without(options, "soft", "senior"), { data: small, checkpoint }),
    distil: (checkpoint: string) => distil(options, { data: small, teachers, checkpoint }),
  };

  it.each(["train", "distil"] as const)("is gone on from: %s", async (kind) => {
    const directory = await mkdtemp(join(tmpdir(), "mulde-recorded-"));
    const checkpoint = join(directory, "checkpoint");
    await cp(new URL(`recorded/${kind}.safetensors`, import.meta.url), checkpoint);
    const events = await eventsOf(runs[kind](checkpoint));
    expect(events[0]).toMatchObject({ type: "start", steps: 6, resumedAt: 4 });
    expect(events.at(-1)).toMatchObject({ type: "done", result: { steps: 6 } });
    await rm(directory, { recursive: true });
  });
});

describe("a checkpoint", () => {
  const data = ring();
  let directory: string;
  let model: KgeModel;
  let count = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "mulde-identity-"));
    model = await createModel({ model: "TransE", dim: 8, entities: 24, relations: 4, seed: 3 });
  });
  afterAll(() => rm(directory, { recursive: true }));

  const flat: Teacher = { name: "flat", score: (_, __, ___, out) => void out.fill(1) };
  const sine: Teacher = {
    name: "sine",
    score: (_, __, candidates, out) => candidates.forEach((entity, i) => (out[i] = Math.sin(entity))),
  };
  const options = changed({ epochs: 1, model: "TransE", negatives: 3, soft: { candidates: 4 } });

  /** Whether a run goes on from the checkpoint of another one. */
  async function resumes(
    first: (checkpoint: string) => ReturnType<typeof train>,
    second: (checkpoint: string) => ReturnType<typeof train>,
  ): Promise<boolean> {
    const checkpoint = join(directory, `${++count}`);
    await first(checkpoint).result;
    try {
      const [start] = await eventsOf(second(checkpoint));
      expect(start).toMatchObject({ type: "start", resumedAt: 5 });
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "TRAINER_CHECKPOINT" });
      return false;
    }
  }
  const distilled =
    (context: Partial<DistilContext>) =>
    (checkpoint: string): ReturnType<typeof train> =>
      distil(options, { data, teachers: [flat, sine], checkpoint, ...context });
  const withParts = (parts: DistillationParts) => distilled({ parts });

  it("of another initial model is refused, one of the same contents is not", async () => {
    const copy = await createModel({ model: "TransE", dim: 8, entities: 24, relations: 4, seed: 3 });
    const first = distilled({ initial: model });
    expect(await resumes(first, distilled({ initial: copy }))).toBe(true);
    copy.table("relation").data[5]! += 1;
    expect(await resumes(first, distilled({ initial: copy }))).toBe(false);
    expect(await resumes(first, distilled({}))).toBe(false);
  });

  const rule = (name: string): AnswerRule => ({ name, isWrong: (head, _, entity) => head === entity });
  const queries = (name: string): QuerySource => ({ name, size: (B) => B, draw: (batch) => batch });
  const source = (name: string, K = 4): CandidateSource => ({
    name,
    K,
    fill({ queries: { tails }, stride, candidates }) {
      tails.forEach((tail, b) => {
        for (let k = 0; k < K; k++) candidates[b * stride + k] = (tail + k) % 24;
      });
    },
  });
  const label = (name: string): Label => ({
    name,
    learn({ gradient }) {
      gradient.fill(0);
      return { hard: 1 };
    },
  });
  const own: [string, StepParts, StepParts][] = [
    ["a rule", { rules: [rule("a")] }, { rules: [rule("b")] }],
    ["the order of rules", { rules: [rule("a"), rule("b")] }, { rules: [rule("b"), rule("a")] }],
    ["a query source", { queries: [queries("a")] }, { queries: [queries("b")] }],
    ["a source of negatives", { negatives: source("a") }, { negatives: source("b") }],
    ["negatives of another number", { negatives: source("a") }, { negatives: source("a", 5) }],
    ["a label", { label: label("a") }, { label: label("b") }],
    ["a part that was none before", { rules: [rule("a")] }, {}],
    ["the kind of a part", { rules: [rule("a")] }, { queries: [queries("a")] }],
  ];

  it.each(own)("tells %s of one's own, in both kinds of runs", async (_, one, two) => {
    const trained = (parts: StepParts) => (checkpoint: string) =>
      train(without(options, "soft"), { data, checkpoint, parts });
    for (const make of [trained, withParts]) {
      expect(await resumes(make(one), make(one))).toBe(true);
      expect(await resumes(make(one), make(two))).toBe(false);
    }
  });

  const shape = { relations: 8, teachers: 2 };
  type Make = () => DistillationParts;
  const senior = (parts: SeniorParts): DistillationParts => ({ senior: parts });
  // Made anew for each run: mechanisms are trained in place.
  const mechanisms: [string, Make, Make][] = [
    ["candidates", () => ({ candidates: source("a") }), () => ({ candidates: source("b") })],
    ["an attention", () => senior({ attention: contrastAttention() }), () => senior({ attention: uniformAttention() })],
    [
      "an attention's schedule",
      () => senior({ attention: contrastAttention({ schedule: () => 1 }) }),
      () => senior({ attention: contrastAttention({ schedule: () => 2 }) }),
    ],
    ["a normalization", () => senior({ normalization: zScore() }), () => senior({ normalization: belowBest() })],
    ["one by ranks", () => senior({ normalization: rankScores() }), () => senior({ normalization: zScore() })],
    [
      "a scaling's first values",
      () => senior({ scaling: relationScaling(shape) }),
      () => senior({ scaling: relationScaling({ ...shape, init: 2 }) }),
    ],
    [
      "a scaling of the same first values",
      () => senior({ scaling: relationScaling({ ...shape, init: 0 }) }),
      () => senior({ scaling: softmaxWeights(shape) }),
    ],
    ["weights", () => senior({ scaling: fixedWeights([1, 2]) }), () => senior({ scaling: fixedWeights([2, 1]) })],
    ["no scaling", () => senior({ scaling: noScaling() }), () => senior({ scaling: fixedWeights([2, 1]) })],
    ["a mechanism that was none before", () => senior({ attention: uniformAttention() }), () => ({})],
  ];

  it.each(mechanisms)("tells %s of one's own in distillation", async (_, one, two) => {
    const make = (parts: Make) => (checkpoint: string) => withParts(parts())(checkpoint);
    expect(await resumes(make(one), make(one))).toBe(true);
    expect(await resumes(make(one), make(two))).toBe(false);
  });
});
