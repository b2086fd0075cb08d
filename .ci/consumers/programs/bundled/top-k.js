// Asks the kernels for the best answers to two queries.
import { createKernels, pointTable, queryBatch, Random } from "@mulde/kernels";

export async function answer({ options }) {
  const kernels = await createKernels(options);
  const { engine } = kernels;
  const [entities, dim] = [1000, 16];
  const random = new Random(7);
  const table = (rows) => Float32Array.from({ length: rows * dim }, () => random.normal());
  const entity = table(entities);
  const tables = { encoder: "RefE", dim, entity, relation: table(4), reflection: table(4) };
  const queries = queryBatch(engine, 2, dim);
  kernels.encode(tables, Int32Array.of(3, 14), Int32Array.of(0, 1), queries);
  const points = pointTable(engine, entities, dim, true);
  kernels.points("euclidean", entity, null, 1, null, points);
  const [ids, scores] = [engine.int32(10), engine.float32(10)];
  kernels.topK("euclidean", queries, points, 5, ids, scores);
  const { kind, threads } = kernels;
  const result = { kind, threads, ids: Array.from(ids), scores: Array.from(scores) };
  await kernels.close();
  return result;
}
