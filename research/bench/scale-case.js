// One size of `pnpm bench:scale`, in a process of its own, so that peak memory is that size's: prints one JSON line.
//   node research/bench/scale-case.js DIRECTORY STEPS
// DIRECTORY holds train, valid and test. They are loaded, trained on by the training loop for some steps, and the test split is ranked.
import { indexAnswers, loadDataset } from "@mulde/datasets";
import { evaluate } from "@mulde/eval";
import { createModel, modelScorer } from "@mulde/kge-models";
import { batchSize } from "./shapes.js";
import { longRun } from "./training.js";

const [directory, steps] = process.argv.slice(2);
const shape = { model: "RotH", dim: 32 };
const negatives = 255;
// During these, pages are touched and code is compiled.
const warmUpSteps = 20;

/** The value of a piece of work, and the seconds it took. */
async function timed(work) {
  const started = performance.now();
  const value = await work();
  return [value, (performance.now() - started) / 1000];
}

/**
 * Milliseconds of a step in the trainer's loop: the median over the stretches between its progress events, which come every tenth of a
 * second. Also the seconds from the call to the first step: queries, filter, initial values, optimizer, the first shuffle.
 */
async function trainSome(data) {
  const started = performance.now();
  const events = longRun({ dim: shape.dim, negatives, sparse: true }, { data });
  const stretches = [];
  let prepared = 0;
  let last = { step: 0, at: 0 };
  for await (const event of events) {
    if (event.type !== "progress") continue;
    const at = performance.now();
    prepared ||= (at - started) / 1000;
    if (last.step >= warmUpSteps) stretches.push((at - last.at) / (event.step - last.step));
    last = { step: event.step, at };
    if (event.step >= warmUpSteps + Number(steps)) break;
  }
  return { prepared, stepMs: stretches.sort((a, b) => a - b)[stretches.length >> 1] };
}

const [data, load] = await timed(() => loadDataset(directory));
const { entities, relations, train, valid, test } = data;
const { prepared, stepMs } = await trainSome(data);

// The loop keeps its model to itself until it is done. The time of ranking does not depend on the parameters' values.
const model = await createModel({ ...shape, entities: entities.size, relations: relations.size });
const [known, filter] = await timed(() => indexAnswers(entities.size, relations.size, train, valid, test));
const [report, rank] = await timed(() =>
  evaluate(modelScorer(model), { triples: test, numRelations: relations.size, known }),
);

console.log(
  JSON.stringify({
    entities: entities.size,
    triples: train.length + valid.length + test.length,
    parameters: model.parameters,
    // Expected for so many uniform draws.
    rows_touched: Math.round(entities.size * -Math.expm1(batchSize * negatives * Math.log1p(-1 / entities.size))),
    step_ms: stepMs,
    load_s: load,
    prepare_s: prepared,
    filter_s: filter,
    rank_s: rank,
    ranks: report.ranks,
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
await model.kernels.engine.close();
