import { createDataset, type Dataset, tripleList, Vocabulary } from "@mulde/datasets";
import { Random } from "@mulde/kernels";
import { type DistilInput, merged, type TrainInput } from "../src/index.js";

/** Entities 0..n-1 on a ring; relation j says "j + 1 further". Every fact follows from the others: a rotation knows them all. */
export function ring(n = 24, steps = 4, name = "ring"): Dataset {
  const facts: [number, number, number][] = [];
  for (let r = 0; r < steps; r++) for (let h = 0; h < n; h++) facts.push([h, r, (h + r + 1) % n]);
  const order = Int32Array.from({ length: facts.length }, (_, i) => i);
  new Random(3).shuffle(order);
  const part = (from: number, to: number) => {
    const rows = [...order.subarray(from, to)].map((i) => facts[i]!);
    const column = (at: 0 | 1 | 2) => Int32Array.from(rows, (row) => row[at]);
    return tripleList(column(0), column(1), column(2));
  };
  const held = Math.round(facts.length / 10);
  return createDataset({
    name,
    entities: Vocabulary.fromNames(Array.from({ length: n }, (_, i) => `e${i}`)),
    relations: Vocabulary.fromNames(Array.from({ length: steps }, (_, i) => `+${i + 1}`)),
    train: part(2 * held, facts.length),
    valid: part(0, held),
    test: part(held, 2 * held),
  });
}

/** A few fast steps on a small model, with a constant learning rate: on `ring()`, six epochs of five steps. */
export const brief: TrainInput = {
  seed: 5,
  epochs: 6,
  batchSize: 32,
  model: { name: "RotH", dim: 8 },
  optimizer: { learningRate: 0.02 },
  schedule: { name: "constant", warmup: 0 },
  loss: { adversarial: 0 },
  negatives: 15,
  validation: { every: 2 },
};

/** Options with others on top, noun by noun. */
export function changed(above: DistilInput, below: DistilInput = brief): DistilInput {
  return merged(below, above) as DistilInput;
}

/** An object without some of its fields. */
export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}
