import { z } from "zod";
import { MuldeError } from "./error.js";

// Every knob that changes a result stands here once, with its default and its meaning: the reference of the YAML files and
// the command line's help are made from these schemas.

const count = z.number().int();

/** The model to be trained. */
const modelSchema = z.strictObject({
  model: z.string().default("RotH").describe("scoring function, built-in or your own"),
  dim: count.min(1).max(1024).default(32).describe("embedding dimension; even for rotations and reflections"),
  curvature: z
    .enum(["shared", "relation"])
    .default("shared")
    .describe("hyperbolic models: one learned curvature for the model, or one per relation"),
  initialCurvature: z
    .number()
    .positive()
    .default(1.3132616875182228) // softplus(1), the paper's
    .describe("curvature c to start from; small values start out nearly Euclidean"),
});

/** What every training run has. */
const runSchema = z.strictObject({
  seed: count.min(0).default(0).describe("of every random choice"),
  epochs: count.min(1).default(100).describe("passes over the training triples, both directions"),
  batchSize: count.min(1).default(500).describe("queries in a step"),
  learningRate: z.number().positive().default(1e-3).describe("of the optimizer, at its highest"),
  optimizer: z.enum(["adam", "adagrad"]).default("adam").describe("update rule"),
  sparse: z
    .boolean()
    .default(false)
    .describe("leave entity rows that a batch does not touch alone, instead of moving them by their momentum"),
  weightDecay: z.number().min(0).default(0).describe("decoupled weight decay of embeddings"),
  schedule: z.enum(["constant", "cosine"]).default("constant").describe("course of the learning rate"),
  warmup: z.number().min(0).max(1).default(0).describe("part of the run in which the learning rate rises from 0"),
  negatives: count.min(1).default(255).describe("random entities beside each true answer"),
  adversarial: z
    .number()
    .min(0)
    .default(0)
    .describe("temperature of self-adversarial weights for the negatives; 0 weighs them equally"),
  validateEvery: count.min(1).default(5).describe("epochs between validations"),
  patience: count.min(1).default(10).describe("validations without a better MRR after which training stops"),
  validationTriples: count
    .min(0)
    .default(0)
    .describe("rank only the first so many triples of the shuffled validation split; 0 ranks all"),
});

/** Training from the facts alone: teachers, and undistilled models. */
export const trainSchema = runSchema.extend({
  ...modelSchema.shape,
  loss: z
    .enum(["bce", "crossEntropy", "1vsAll"])
    .default("bce")
    .describe("binary cross-entropy or softmax over sampled candidates, or softmax over all entities"),
});

/** Training a Junior from the facts and from teachers (Wang et al. 2021). */
export const distilSchema = runSchema.extend({
  ...modelSchema.shape,
  topK: count.min(1).default(500).describe("K, candidates of the soft label"),
  candidates: z
    .enum(["junior", "random"])
    .default("junior")
    .describe("the soft label's candidates: the Junior's own best, or random entities (an ablation)"),
  softWeight: z.number().min(0).default(0.5).describe("lambda, weight of the soft-label loss"),
  temperature: z.number().positive().default(1).describe("T of the soft label"),
  scaling: z.enum(["relation", "none"]).default("relation").describe("relation-specific scaling of the teachers"),
  attention: z.enum(["contrast", "uniform"]).default("contrast").describe("how the teachers are weighted"),
  trainOnSoft: z.boolean().default(true).describe("whether the soft-label loss also trains the scaling"),
});

export type TrainOptions = z.output<typeof trainSchema>;
export type DistilOptions = z.output<typeof distilSchema>;
/** As written by a user: what is left out takes its default. */
export type TrainInput = z.input<typeof trainSchema>;
export type DistilInput = z.input<typeof distilSchema>;
/** The options that both kinds of training share. */
export type RunOptions = z.output<typeof runSchema> & z.output<typeof modelSchema>;

/**
 * Options with their defaults.
 *
 * @param where - Named in errors: a file, or a section of it.
 * @throws MuldeError TRAINER_OPTION naming the field and what it must be
 */
export function parseOptions<T extends z.ZodType>(schema: T, input: unknown, where: string): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.join(".");
  throw new MuldeError("TRAINER_OPTION", `${where}${field ? `, ${field}` : ""}: ${issue.message}.`);
}
