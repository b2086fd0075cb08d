import { createHash } from "node:crypto";
import type { KgeModel } from "@mulde/kge-models";
import type { DistilOptions, TrainOptions } from "./options.js";

/**
 * Raised when a run with the same options would end with other bytes than before: older checkpoints are then not resumed, and older results
 * not taken for these.
 */
const semanticsVersion = 1;

/**
 * The neutral value of every option: with it, a run is what it was before the option existed. Only options that differ from it enter a run's
 * identity, so that a new option does not orphan old runs: give it the value here that changes nothing. These are not the defaults, which
 * may change; a value here never does.
 */
export const neutral: Readonly<Record<string, unknown>> = {
  seed: 0,
  epochs: 30,
  batchSize: 256,
  "model.name": "RotH",
  "model.dim": 32,
  "model.curvature": "relation",
  "model.initialCurvature": 1.3132616875182228,
  "model.biases": true,
  "optimizer.name": "adam",
  "optimizer.learningRate": 0.004,
  "optimizer.weightDecay": 0,
  "optimizer.clipNorm": 0,
  "optimizer.sparse": false,
  "optimizer.averaging": 0,
  "schedule.name": "cosine",
  "schedule.warmup": 0.02,
  "loss.name": "bce",
  "loss.adversarial": 1,
  "loss.margin": 1,
  "loss.smoothing": 0,
  "negatives.count": 255,
  "negatives.filter": false,
  "negatives.bothEnds": 0,
  rules: [],
  "regularizer.name": "none",
  "regularizer.weight": 0,
  "regularizer.dropout": 0,
  "validation.every": 5,
  "validation.patience": 10,
  "validation.triples": 0,
  "soft.weight": 1,
  "soft.temperature": 1,
  "soft.candidates.source": "junior",
  "soft.candidates.k": 256,
  "soft.candidates.refresh": 1,
  "soft.candidates.known": true,
  "soft.queries": 0,
  "soft.confidence": 0,
  "soft.adaptFrom": 0,
  "senior.normalization": "none",
  "senior.scaling": "relation",
  "senior.attention": "contrast",
  "senior.trainOnSoft": true,
};

/**
 * The options of a run that differ from their neutral values, by dotted name, sorted.
 *
 * @param values - the neutral values
 */
export function differences(
  options: TrainOptions | DistilOptions,
  values: Readonly<Record<string, unknown>> = neutral,
): Readonly<Record<string, unknown>> {
  const found: [string, unknown][] = [];
  const visit = (value: unknown, name: string): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, name === "" ? key : `${name}.${key}`);
    } else if (JSON.stringify(value) !== JSON.stringify(values[name])) found.push([name, value]);
  };
  visit(options, "");
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Identifies a run: two runs of one identity end with the same bytes on one kind of machine.
 *
 * @param kind - "train" or "distil"
 * @param rest - what else the result depends on: teachers, parts of the user's own
 */
export function runIdentity(
  kind: "train" | "distil",
  fingerprint: string,
  options: TrainOptions | DistilOptions,
  rest: readonly unknown[],
): string {
  return hashOf([semanticsVersion, kind, fingerprint, differences(options), ...rest]);
}

/** A short hash of values that JSON can hold. */
export function hashOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** A hash of a model's shape and parameters. */
export function modelHash({ config, tables }: KgeModel): string {
  const hash = createHash("sha256").update(JSON.stringify(config));
  for (const { name, data } of tables.values()) hash.update(name).update(data);
  return hash.digest("hex");
}

/** What can be told of a user's part: its name, and its other plain values. */
export function partIdentity(part: { readonly name: string } | undefined): unknown {
  if (part === undefined) return null;
  const plain = Object.entries(part).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  // A class may have its name as a getter.
  return [part.name, plain];
}
