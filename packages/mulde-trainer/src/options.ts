import { z } from "zod";
import { MuldeError } from "@mulde/errors";
import { losses } from "./losses.js";
import { clashOf } from "./option-rules.js";

// Every knob that changes a result stands here once, with its default and its meaning: the reference of the YAML files and
// the command line's help are made from these schemas.

const count = z.number().int();

/** The model to be trained. */
const modelSchema = z.strictObject({
  model: z.string().default("RotH").describe("scoring function, built-in or your own"),
  dim: count.min(1).max(1024).default(32).describe("embedding dimension; even for rotations and reflections"),
  curvature: z
    .enum(["shared", "relation"])
    .default("relation")
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
  epochs: count.min(1).default(30).describe("passes over the training triples, both directions"),
  batchSize: count.min(1).default(256).describe("queries in a step"),
  learningRate: z.number().positive().default(0.004).describe("of the optimizer, at its highest"),
  optimizer: z.enum(["adam", "adagrad"]).default("adam").describe("update rule"),
  sparse: z
    .boolean()
    .default(false)
    .describe("leave entity rows that a batch does not touch alone, instead of moving them by their momentum"),
  weightDecay: z.number().min(0).default(0).describe("decoupled weight decay of embeddings: with adam, AdamW"),
  clipNorm: z.number().min(0).default(0).describe("greatest norm of all gradients together; 0 does not clip"),
  schedule: z
    .enum(["constant", "cosine", "plateau"])
    .default("cosine")
    .describe("course of the learning rate; plateau halves it at each validation without a better MRR"),
  warmup: z.number().min(0).max(1).default(0.02).describe("part of the run in which the learning rate rises from 0"),
  averaging: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      "decay of an exponential moving average of the parameters, which is then what is validated and kept, such as 0.999; 0 is off",
    ),
  biases: z
    .boolean()
    .default(true)
    .describe(
      "learn a bias of each entity as head and as tail, as KGEmb does; bilinear models are often trained without",
    ),
  loss: z
    .enum(losses)
    .default("bce")
    .describe(
      "of the facts: binary cross-entropy, softmax or margin ranking over sampled candidates; softmax over all entities; " +
        "binary cross-entropy of all entities with every known answer true, or softmax with the label shared among these",
    ),
  margin: z.number().positive().default(1).describe("of the margin ranking loss"),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("losses over all entities: part of a label spread over all entities"),
  negatives: count.min(1).default(255).describe("random entities beside each true answer"),
  negativeSampling: z
    .enum(["uniform", "bernoulli"])
    .default("uniform")
    .describe(
      "whether both directions of a triple are trained alike, or the one with more answers more often (Wang et al. 2014)",
    ),
  filterNegatives: z
    .boolean()
    .default(false)
    .describe("never take a known answer of the training split for a negative, but for those with both ends random"),
  headNegative: z
    .boolean()
    .default(false)
    .describe(
      "a query's own head is one of its negatives, unless the training split knows it for an answer: it lies near the answers, but is hardly ever drawn; when distilling, teachers are held to it too",
    ),
  neighbourNegative: z
    .boolean()
    .default(false)
    .describe(
      "one of the head's neighbours, by a relation that shares no pair with the query's in the training split, is one of its negatives: these lie near the answers too; when distilling, teachers are held to it for all of them",
    ),
  doubleNegatives: z
    .number()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      "bce: how many times as many negatives come beside these with both ends random, after KGEmb's double_neg (Chami et al. 2020), which has no other ones; 0 is none",
    ),
  shareNegatives: z.boolean().default(false).describe("the same negatives for all queries of a batch, which is faster"),
  adversarial: z
    .number()
    .min(0)
    .default(1)
    .describe("temperature of self-adversarial weights for the negatives; 0 weighs them equally"),
  regularizer: z
    .enum(["none", "F2", "N3", "DURA"])
    .default("none")
    .describe(
      "penalty of the embeddings of a batch's triples: squares, cubes of moduli, or squares of queries and tails",
    ),
  regularizerWeight: z.number().min(0).default(0).describe("lambda of the penalty"),
  relationWeight: z.number().min(0).default(1).describe("of the penalty of relations beside that of entities"),
  dropout: z.number().min(0).lt(1).default(0).describe("part of a query's coordinates that is left out in training"),
  validateEvery: count.min(1).default(5).describe("epochs between validations"),
  patience: count.min(1).default(10).describe("validations without a better MRR after which training stops"),
  validationTriples: count
    .min(0)
    .default(0)
    .describe("rank only the first so many triples of the shuffled validation split; 0 ranks all"),
});

/** Training from the facts alone: teachers, and undistilled models. */
export const trainSchema = runSchema.extend(modelSchema.shape).superRefine(refuseClash);

/** Training a Junior from the facts and from teachers (Wang et al. 2021). */
export const distilSchema = runSchema
  .extend({
    ...modelSchema.shape,
    topK: count.min(1).default(256).describe("K, candidates of the soft label"),
    candidates: z
      .enum(["junior", "random", "sampled", "all"])
      .default("junior")
      .describe(
        "the soft label's candidates: the Junior's own K best, K random entities (an ablation), those of the hard label, or all entities",
      ),
    filterCandidates: z
      .boolean()
      .default(false)
      .describe(
        "leave the training split's answers out of the Junior's own K best: the soft label then tells wrong answers apart, and the hard one the right ones from these; needs scaling none, since the Senior has no true answer to learn from",
      ),
    functional: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "relations that give a head at most so many answers on average count as functional: an entity that has its answer is wrong for every other head, and teachers are held to it (partial completeness, Galárraga et al. 2013); 0 is none",
      ),
    refreshTopK: count
      .min(1)
      .default(1)
      .describe(
        "epochs for which the Junior's own K best of a query are kept before they are looked up again, in the first so many only one; 1 looks at every step, more is faster and holds K (m + 1) numbers of each training query in memory",
      ),
    unseenQueries: z
      .number()
      .min(0)
      .max(16)
      .default(0)
      .describe(
        "queries that the teachers answer beside each training query, whether the training split has an answer or not; plausible ones, drawn by a walk over the relations",
      ),
    softWeight: z.number().min(0).default(1).describe("lambda, weight of the soft-label loss"),
    temperature: z.number().positive().default(1).describe("T of the soft label"),
    normalization: z
      .enum(["none", "zScore", "belowBest", "ranks"])
      .default("none")
      .describe("of the teachers' scores over a query's candidates; belowBest for teachers of different families"),
    scaling: z
      .enum(["relation", "softmax", "none"])
      .default("relation")
      .describe(
        "relation-specific scaling of the teachers, or learned weights of them that sum to 1 for each relation",
      ),
    attention: z.enum(["contrast", "uniform"]).default("contrast").describe("how the teachers are weighted"),
    confidence: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "alpha of DualDE (Zhu et al. 2022): how steeply a query's soft label gains weight over the hard one with the teachers' score of the true answer; 0 is off",
      ),
    adaptFrom: count
      .min(0)
      .default(0)
      .describe(
        "two stages, as in DualDE (Zhu et al. 2022): epochs with frozen teachers, after which they learn too, from the facts and from the Junior's soft label; 0 keeps them frozen",
      ),
    trainOnSoft: z.boolean().default(true).describe("whether the soft-label loss also trains the scaling"),
  })
  .superRefine(refuseClash);

export type TrainOptions = z.output<typeof trainSchema>;
export type DistilOptions = z.output<typeof distilSchema>;
/** As written by a user: what is left out takes its default. */
export type TrainInput = z.input<typeof trainSchema>;
export type DistilInput = z.input<typeof distilSchema>;
/** The options that both kinds of training share. */
export type RunOptions = z.output<typeof runSchema> & z.output<typeof modelSchema>;

function refuseClash(options: Parameters<typeof clashOf>[0], context: z.RefinementCtx): void {
  const clash = clashOf(options);
  if (clash) context.addIssue({ code: "custom", path: [clash.field], message: clash.reason });
}

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
  // What is wrong with a key stands one level deeper.
  const { message } = issue.code === "invalid_key" ? (issue.issues[0] ?? issue) : issue;
  throw new MuldeError("TRAINER_OPTION", `${where}${field ? `, ${field}` : ""}: ${message}.`);
}
