// What the cases share: kernels, a data set's shape, random ids and models.
import { createKernels, Random } from "@mulde/kernels";
import { createModel, modelTeacher } from "@mulde/kge-models";
import { shapes, teacherModels } from "./shapes.js";

export async function createSetting(data, engine, threads) {
  const random = new Random(1);
  const kernels = await createKernels({ engine, threads });
  const shape = shapes[data];
  const { entities, relations } = shape;

  function ids(count, limit) {
    return Int32Array.from({ length: count }, () => Math.floor(limit * random.uniform()));
  }

  /** As many random queries (h, r, t) of both directions. */
  function queries(count) {
    return { heads: ids(count, entities), relations: ids(count, 2 * relations), tails: ids(count, entities) };
  }

  /** A model whose values are spread as after some training: N(0, 0.1), like the peer's. */
  async function spread(model, dim) {
    const made = await createModel({ model, dim, entities, relations, seed: 1, kernels });
    for (const { name: table, data: values } of made.tables.values()) {
      if (table.endsWith("Bias") || table === "curvature") continue;
      for (let i = 0; i < values.length; i++) values[i] = 0.1 * random.normal();
    }
    made.touch();
    return made;
  }

  /** Four frozen teachers of 64 dimensions. */
  async function teachers() {
    const made = [];
    for (const kind of teacherModels) made.push(modelTeacher(await spread(kind, 64), kind));
    return made;
  }

  return { data, shape, kernels, random, ids, queries, spread, teachers };
}

export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
