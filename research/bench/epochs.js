// Whole epochs through the trainer's own loop, each a function of the setting that returns { seconds, triples }. The run goes on to its
// validation and its end: the peak memory includes them, the seconds do not.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadDataset } from "@mulde/datasets";
import { distillationEpoch, factsEpoch } from "./training.js";

const mirror = process.env.MULDE_DATASETS_MIRROR ?? fileURLToPath(new URL("../../../shared/datasets", import.meta.url));

/** The data set itself if its archive is there, else random triples of its shape. */
async function loadTriples({ data, shape, ids }) {
  if (shape.archive && existsSync(join(mirror, shape.archive))) {
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

async function epoch(setting, seconds) {
  const { triples, data } = await loadTriples(setting);
  return { seconds: await seconds({ data, kernels: setting.kernels }), triples };
}

export const epochs = {
  "plain-epoch": (setting) =>
    epoch(setting, (context) => factsEpoch({ dim: 32, negatives: setting.data === "wn18rr" ? 63 : 255 }, context)),
  "pretrain-epoch": (setting) => epoch(setting, (context) => factsEpoch({ dim: 64, negatives: 255 }, context)),
  async "distil-epoch"(setting) {
    const teachers = await setting.teachers();
    return epoch(setting, (context) => distillationEpoch({ ...context, teachers }));
  },
  "onevsall-epoch": (setting) => epoch(setting, (context) => factsEpoch({ dim: 64, loss: "1vsAll" }, context)),
};
