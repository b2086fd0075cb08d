import { z } from "zod";
import { losses } from "../facts/losses.js";
import { ruleNames, ruleSchema } from "../rules/built-in.js";
import { clashOf } from "./clashes.js";
import type { Written } from "./shorthand.js";

// Every knob that changes a result stands here once, with its default and its meaning. `mulde options`, the command line's help and docs/options.md are
// made from these schemas.

const count = z.number().int();

/** A noun: its fields, each with a default, so that all of it may be left out. */
function noun<S extends z.ZodRawShape>(shape: S) {
  // Every field has a default.
  return z.strictObject(shape).prefault({} as never);
}

const model = noun({
  name: z.string().default("RotH").describe("scoring function, built-in or your own"),
  dim: count.min(1).max(1024).default(32).describe("embedding dimension; even for rotations and reflections"),
  curvature: z
    .enum(["shared", "relation"])
    .default("relation")
    .describe("hyperbolic: learn one curvature, or one per relation"),
  initialCurvature: z
    .number()
    .positive()
    .default(1.3132616875182228) // softplus(1), the paper's
    .describe("curvature c at the start; a small value starts nearly Euclidean"),
  biases: z
    .boolean()
    .default(true)
    .describe("learn a bias per entity, as head and as tail; bilinear models often go without"),
});

const optimizer = noun({
  name: z.enum(["adam", "adagrad"]).default("adam").describe("update rule"),
  learningRate: z.number().positive().default(0.004).describe("highest learning rate of the schedule"),
  weightDecay: z.number().min(0).default(0).describe("decoupled weight decay of embeddings, as in AdamW"),
  clipNorm: z.number().min(0).default(0).describe("clip the norm of all gradients together; 0 does not clip"),
  sparse: z
    .boolean()
    .default(false)
    .describe("update only the entity rows in the batch; otherwise momentum also moves the others"),
  averaging: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("decay of a moving average of the parameters, which is then validated and kept, such as 0.999; 0 is off"),
});

const schedule = noun({
  name: z
    .enum(["constant", "cosine", "plateau"])
    .default("cosine")
    .describe("learning rate over time; plateau halves it after each validation without a better MRR"),
  warmup: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe("fraction of the steps in which the learning rate rises from 0"),
});

const loss = noun({
  name: z
    .enum(losses)
    .default("bce")
    .describe(
      "loss of the facts. Sampled negatives: bce, crossEntropy, margin. All entities: 1vsAll (softmax), KvsAll (binary cross-entropy, " +
        "every known answer true), KvsAllSoftmax (softmax, the label shared among known answers)",
    ),
  adversarial: z
    .number()
    .min(0)
    .default(1)
    .describe("temperature of self-adversarial negative weights (Sun et al. 2019); 0 weighs negatives equally"),
  margin: z.number().positive().default(1).describe("margin of the margin loss"),
  smoothing: z.number().min(0).lt(1).default(0).describe("losses over all entities: label smoothing"),
});

const negatives = noun({
  count: count.min(1).default(255).describe("random entities per true answer"),
  filter: z.boolean().default(false).describe("redraw negatives that are known answers in the training split"),
  bothEnds: z
    .number()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      "bce: extra negatives with random head and tail, as a multiple of `count` (KGEmb's double_neg); 0 is none",
    ),
});

const regularizer = noun({
  name: z
    .enum(["none", "F2", "N3", "DURA"])
    .default("none")
    .describe(
      "penalty of a batch's embeddings: squares, cubed moduli (Lacroix et al. 2018), or DURA (Zhang et al. 2020)",
    ),
  weight: z.number().min(0).default(0).describe("lambda of the penalty"),
  dropout: z.number().min(0).lt(1).default(0).describe("fraction of a query's coordinates that training leaves out"),
});

const validation = noun({
  every: count.min(1).default(5).describe("epochs between validations"),
  patience: count.min(1).default(10).describe("stop after this many validations without a better MRR"),
  triples: count.min(0).default(0).describe("rank only a random sample of this many validation triples; 0 ranks all"),
});

const soft = noun({
  weight: z.number().min(0).default(1).describe("lambda, weight of the soft-label loss"),
  temperature: z.number().positive().default(1).describe("T of the soft label"),
  candidates: noun({
    source: z
      .enum(["junior", "random", "sampled", "all"])
      .default("junior")
      .describe(
        "candidates of the soft label: the Junior's top K, K random entities, those of the hard label, or all entities",
      ),
    k: count.min(1).default(256).describe("K, candidates per query of the sources junior and random"),
    refresh: count
      .min(1)
      .default(1)
      .describe(
        "junior: refresh each query's top K every n epochs (every epoch during the first n); 1 refreshes every step",
      ),
    known: z
      .boolean()
      .default(true)
      .describe("junior: let known answers of the training split be candidates; false needs senior.scaling none"),
  }),
  queries: z
    .number()
    .min(0)
    .max(16)
    .default(0)
    .describe("plausible queries that the teachers answer beside each training query, with or without a known answer"),
  confidence: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "alpha of DualDE (Zhu et al. 2022): trust the soft label more where teachers score the true answer high; 0 is off",
    ),
  adaptFrom: count
    .min(0)
    .default(0)
    .describe("train the teachers too after this many epochs, as DualDE's second stage does; 0 keeps them frozen"),
});

const senior = noun({
  normalization: z
    .enum(["none", "zScore", "belowBest", "ranks"])
    .default("none")
    .describe(
      "normalize each teacher's scores over a query's candidates; belowBest suits teachers of different families",
    ),
  scaling: z
    .enum(["relation", "softmax", "none"])
    .default("relation")
    .describe("relation-specific scales per teacher, weights per relation that sum to 1, or neither"),
  attention: z.enum(["contrast", "uniform"]).default("contrast").describe("how teachers are weighted for each query"),
  trainOnSoft: z.boolean().default(true).describe("let the soft-label loss train the scaling too"),
});

const shared = {
  seed: count.min(0).default(0).describe("seed of every random choice"),
  epochs: count.min(1).default(30).describe("passes over the training triples, in both directions"),
  batchSize: count.min(1).default(256).describe("queries per step"),
  model,
  optimizer,
  schedule,
  loss,
  negatives,
  rules: z.array(ruleSchema).default([]).describe(`what the training split shows to be wrong: ${ruleNames}`),
  regularizer,
  validation,
} as const;

/** Training from the facts alone: teachers, and undistilled models. */
export const trainSchema = z.strictObject(shared).superRefine(refuseClash);

/** Every option, each by itself. */
export const anySchema = z.strictObject({ ...shared, soft, senior });

/** Training a Junior from the facts and from teachers (Wang et al. 2021). */
export const distilSchema = anySchema.superRefine(refuseClash);

export type TrainOptions = z.output<typeof trainSchema>;
export type DistilOptions = z.output<typeof distilSchema>;
/** The options that both kinds of training share. */
export type RunOptions = TrainOptions;
/** Options as users write them: anything left out takes its default, and a noun may be written short (see `expanded`). */
export type TrainInput = Written<z.input<typeof trainSchema>>;
export type DistilInput = Written<z.input<typeof distilSchema>>;

function refuseClash(options: Parameters<typeof clashOf>[0], context: z.RefinementCtx): void {
  const clash = clashOf(options);
  if (clash) context.addIssue({ code: "custom", path: [...clash.path], message: clash.reason });
}
