// One case on one engine, in a process of its own, so that peak memory is the case's: prints one JSON line.
//   node bench/case.js CASE DATA ENGINE THREADS REPETITIONS
import { createKernels, Random } from "@mulde/kernels";
import { createModel, modelTeacher } from "@mulde/kge-models";
import {
  distillationObjective,
  distilSchema,
  factsObjective,
  Optimizer,
  trainedTables,
  trainSchema,
} from "@mulde/mulde-trainer";

const [name, data, engine, threads, repetitions] = process.argv.slice(2);

// The real shapes: entities, relations, test triples.
const shapes = { wn18rr: [40_943, 11, 3_134], "fb15k-237": [14_541, 237, 20_466] };
const [entities, relations, tests] = shapes[data];
const batchSize = 500;
const random = new Random(1);
const kernels = await createKernels({ engine, threads: Number(threads) });

function ids(count, limit) {
  return Int32Array.from({ length: count }, () => Math.floor(limit * random.uniform()));
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

async function median(step) {
  const times = [];
  // Two steps to warm up: pages are touched and code is compiled.
  for (let i = -2; i < Number(repetitions); i++) {
    const started = performance.now();
    await step(i + 2);
    if (i >= 0) times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

function training(model, objective, options) {
  const optimizer = new Optimizer(kernels, [...trainedTables(model), ...objective.extra], options);
  return async (step) => {
    const heads = ids(batchSize, entities);
    const batch = { epoch: 0, step, heads, relations: ids(batchSize, 2 * relations), tails: ids(batchSize, entities) };
    const { gradients } = await objective.step(batch);
    optimizer.update(gradients, step + 1, options.learningRate);
    model.touch();
  };
}

const cases = {
  async pretrain() {
    const model = await spread("RotH", 64);
    const options = trainSchema.parse({ model: "RotH", dim: 64, negatives: 255 });
    return median(training(model, factsObjective(model, options), options));
  },
  async distil() {
    const teachers = [];
    for (const kind of ["TransH", "DistH", "RotH", "RefH"]) teachers.push(modelTeacher(await spread(kind, 64), kind));
    const junior = await spread("RotH", 32);
    const options = distilSchema.parse({ model: "RotH", dim: 32, negatives: 255, topK: 500 });
    return median(training(junior, distillationObjective(junior, teachers, options), options));
  },
  async onevsall() {
    const model = await spread("RotH", 64);
    const options = trainSchema.parse({ model: "RotH", dim: 64, loss: "1vsAll" });
    return median(training(model, factsObjective(model, options), options));
  },
  /** The whole test set in both directions, 20 filtered entities a query. */
  async rank() {
    const model = await spread("RotH", 32);
    const queries = 2 * tests;
    const known = 20;
    const filterOffsets = Int32Array.from({ length: queries + 1 }, (_, i) => known * i);
    const filterIds = new Int32Array(queries * known);
    const targets = ids(queries, entities);
    for (let b = 0; b < queries; b++) {
      const row = new Set();
      while (row.size < known) {
        const id = Math.floor(entities * random.uniform());
        if (id !== targets[b]) row.add(id);
      }
      filterIds.set(Int32Array.from(row).sort(), b * known);
    }
    const call = {
      heads: ids(queries, entities),
      relations: ids(queries, 2 * relations),
      targets,
      filterOffsets,
      filterIds,
    };
    const counts = { greater: new Int32Array(queries), equal: new Int32Array(queries) };
    return median(() => model.inference.rank(call, counts));
  },
};

const ms = await cases[name]();
await kernels.engine.close();
const rss = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  JSON.stringify({
    case: name,
    data,
    engine: kernels.kind,
    isa: kernels.isa,
    threads: kernels.threads,
    median_ms: ms,
    max_rss_mb: rss,
  }),
);
