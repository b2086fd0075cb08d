// One of many workers: asks the kernels once and ends, or goes on asking until it is terminated.
import { createKernels, pointTable, queryBatch } from "@mulde/kernels";
import { parentPort, workerData } from "node:worker_threads";

const kernels = await createKernels({ threads: 2 });
const { engine } = kernels;
const [entities, dim] = [2000, 16];
const entity = Float32Array.from({ length: entities * dim }, (_, i) => Math.sin(i));
const queries = queryBatch(engine, 2, dim);
const tables = { encoder: "TransE", dim, entity, relation: entity };
kernels.encode(tables, Int32Array.of(3, 14), Int32Array.of(0, 1), queries);
const points = pointTable(engine, entities, dim, true);
kernels.points("euclidean", entity, null, 1, null, points);
const [ids, scores] = [engine.int32(10), engine.float32(10)];
const ask = () => kernels.topK("euclidean", queries, points, 5, ids, scores);
ask();
parentPort.postMessage(Array.from(ids));
if (workerData.endless) for (;;) ask();
await kernels.close();
