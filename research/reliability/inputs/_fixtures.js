// What the corpus damages: a graph, two models, a Parquet file of scores and a checkpoint, made once for each run.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadDataset } from "@mulde/datasets";
import { saveModel } from "@mulde/kge-models";
import { train } from "@mulde/mulde-trainer";
import { writeScores } from "@mulde/senior/parquet";
import { graph, makeFiles } from "./_files.js";

/** The options of the checkpoint's run, as flags of `mulde train`. */
export const trainedWith = ["--model", "RotH", "--dim", "4", "--epochs", "2", "--seed", "1", "--negatives", "2"];
const options = { model: { name: "RotH", dim: 4 }, epochs: 2, seed: 1, negatives: 2 };

/** Makes the fixtures in a folder and returns their paths. */
export async function makeFixtures(folder) {
  const paths = Object.fromEntries(
    ["graph", "model", "transe", "other", "scores.parquet", "checkpoint.safetensors"].map((name) => [
      name.replace(/\..*/, ""),
      join(folder, name),
    ]),
  );
  makeFiles(folder, graph());
  const other = join(folder, "other-graph");
  mkdirSync(other);
  for (const split of ["train", "valid", "test"]) {
    writeFileSync(join(other, `${split}.txt`), "Xeno\tsees\tYlva\nYlva\tsees\tZora\nZora\tsees\tXeno\n");
  }
  await trained(paths.graph, paths.model, options, paths.checkpoint);
  await trained(paths.graph, paths.transe, { ...options, model: { name: "TransE", dim: 4 } });
  await trained(other, paths.other, options);
  await writeScores(paths.scores, {
    heads: Int32Array.of(0, 1),
    relations: Int32Array.of(0, 0),
    tails: Int32Array.of(1, 2),
    scores: Float32Array.of(1, 2),
  });
  return paths;
}

async function trained(directory, out, given, checkpoint) {
  const data = await loadDataset(directory);
  const { model } = await train(given, { data, checkpoint }).result;
  await saveModel(model, out, {
    entities: data.entities.names,
    relations: data.relations.names,
    dataset: { name: data.name, fingerprint: data.fingerprint },
  });
  model.dispose();
}
