import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { muldeJson, temporary } from "./_cli.js";

const size = 40;
const steps = { plus1: [1], plus3: [3], plus9: [9], near: [-2, 2] } as const;

export type Triple = readonly [head: string, relation: string, tail: string];

/** A planted graph: arithmetic modulo 40. `near` has two answers, so that filtering matters. */
export const splits = plant();

function plant(): Readonly<Record<"train" | "valid" | "test", readonly Triple[]>> {
  const train: Triple[] = [];
  const valid: Triple[] = [];
  const test: Triple[] = [];
  let count = 0;
  for (const [relation, by] of Object.entries(steps)) {
    for (let head = 0; head < size; head++) {
      for (const step of by) {
        const triple: Triple = [`n${head}`, relation, `n${(head + step + size) % size}`];
        count++;
        (count % 10 === 0 ? valid : count % 10 === 5 ? test : train).push(triple);
      }
    }
  }
  return { train, valid, test };
}

/** Writes the planted graph, or a variant of it, as a data set's directory. */
export function writeGraph(change: (triple: Triple) => Triple = (triple) => triple): string {
  const directory = join(temporary(), "ring");
  mkdirSync(directory);
  for (const [split, triples] of Object.entries(splits)) {
    writeFileSync(join(directory, `${split}.txt`), triples.map((triple) => `${change(triple).join("\t")}\n`).join(""));
  }
  return directory;
}

/** Flags of a training that takes a second or so. */
export const quick = [
  ...["--batch-size", "64", "--negatives", "20", "--learning-rate", "0.02", "--seed", "3"],
  ...["--epochs", "40", "--set", "validation.every=10"],
] as const;

/** Flags that come after `quick` for a training long enough to be stopped in the middle. */
export const long = ["--epochs", "300", "--set", "validation.every=30"] as const;

/** What `train` and `distil` answer. */
export interface TrainAnswer {
  readonly out: string;
  readonly model: string;
  readonly dim: number;
  readonly parameters: number;
  readonly bytes: number;
  readonly epochs: number;
  readonly validation: { readonly epoch: number; readonly metrics: { readonly mrr: number } };
  readonly test: { readonly mrr: number; readonly ranks: number };
}

/** Trains a model on the graph and returns its directory. */
export async function trained(data: string, model = "RotH", dim = 16): Promise<string> {
  const out = join(temporary(), model);
  await muldeJson<TrainAnswer>([
    ...["train", "--model", model, "--dim", String(dim), "--data", data, "--out", out],
    ...quick,
  ]);
  return out;
}
