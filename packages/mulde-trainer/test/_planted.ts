import { createDataset, type Dataset, tripleList, Vocabulary } from "@mulde/datasets";
import { Random } from "@mulde/kernels";
import type { TrainEvent, TrainInput } from "../src/index.js";

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

/** A few fast steps on a small model, as large from the first to the last. */
export const brief: TrainInput = {
  model: "RotH",
  dim: 8,
  epochs: 6,
  batchSize: 32,
  negatives: 15,
  learningRate: 0.02,
  schedule: "constant",
  warmup: 0,
  adversarial: 0,
  validateEvery: 2,
  seed: 5,
};

/** An object without some of its fields. */
export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

/** An event without what the clock says. */
function timeless(event: TrainEvent): unknown {
  if (event.type !== "done") return without(event as TrainEvent & { seconds?: number }, "seconds");
  const { model, ...result } = without(event.result, "seconds");
  return { ...event, result: { ...result, tables: [...model.tables].map(([name, { data }]) => [name, [...data]]) } };
}

/** Events that do not depend on the clock or on where a run was interrupted. */
export function told(events: readonly TrainEvent[]): unknown[] {
  return events.filter(({ type }) => type === "epoch" || type === "validation" || type === "done").map(timeless);
}
