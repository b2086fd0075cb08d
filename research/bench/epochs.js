// Whole epochs through the trainer's own loop, each a function of the setting that returns { seconds, triples }. The runs go on to their
// validation and their end, which the peak memory covers and the seconds do not.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { distil, finish, pretrainTeacher } from "@mulde/mulde-trainer";
import { batchSize, paperStep } from "./shapes.js";

// The trainer's own: the root does not depend on it.
const datasets = createRequire(import.meta.resolve("@mulde/mulde-trainer")).resolve("@mulde/datasets");
const { loadDataset } = await import(pathToFileURL(datasets).href);

const mirror = process.env.MULDE_DATASETS_MIRROR ?? fileURLToPath(new URL("../../../shared/datasets", import.meta.url));

/** The data set itself where its archive is at hand, else random triples of its shape. */
async function loadTriples({ data, shape, ids }) {
  if (existsSync(join(mirror, shape.archive))) {
    const cacheDir = mkdtempSync(join(tmpdir(), "mulde-bench-"));
    try {
      return { triples: "real", data: await loadDataset(data, { mirror, cacheDir }) };
    } finally {
      rmSync(cacheDir, { recursive: true });
    }
  }
  const { entities, relations } = shape;
  const split = (length) => ({
    heads: ids(length, entities),
    relations: ids(length, relations),
    tails: ids(length, entities),
    length,
  });
  const splits = { train: split(shape.train), valid: split(shape.valid), test: split(shape.test) };
  return { triples: "random", data: { entities: { size: entities }, relations: { size: relations }, ...splits } };
}

async function epoch(setting, makeRun) {
  const { triples, data } = await loadTriples(setting);
  let seconds;
  await finish(makeRun({ data, kernels: setting.kernels }), (event) => {
    if (event.type === "epoch") seconds = event.seconds;
  });
  return { seconds, triples };
}

function factsEpoch(setting, options) {
  return epoch(setting, (context) =>
    pretrainTeacher({ ...paperStep, ...options, model: "RotH", batchSize, epochs: 1 }, context),
  );
}

export const epochs = {
  "plain-epoch": (setting) => factsEpoch(setting, { dim: 32, negatives: setting.data === "wn18rr" ? 63 : 255 }),
  "pretrain-epoch": (setting) => factsEpoch(setting, { dim: 64, negatives: 255 }),
  async "distil-epoch"(setting) {
    const teachers = await setting.teachers();
    const options = { ...paperStep, model: "RotH", dim: 32, negatives: 255, topK: 500, batchSize, epochs: 1 };
    return epoch(setting, (context) => distil(options, { ...context, teachers }));
  },
  "onevsall-epoch": (setting) => factsEpoch(setting, { dim: 64, loss: "1vsAll" }),
};
