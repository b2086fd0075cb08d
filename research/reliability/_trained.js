// Trains a teacher, distils a Junior from it and runs an experiment, all small, on the kernels that are asked for, and prints as JSON what
// came out: of every model the SHA-256 of each file of names and parameters, the metrics on the test split, and scores of test triples.
//
//   node research/reliability/_trained.js '{ "engine": "native", "isa": "avx2", "threads": 3, "epochs": 2 }'
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syntheticDataset } from "@mulde/datasets";
import { createKernels } from "@mulde/kernels";
import { loadModel, modelTeacher, saveModel } from "@mulde/kge-models";
import { distil, evaluateModel, parseExperiment, runExperiment, train } from "@mulde/mulde-trainer";

const { epochs = 2, ...engine } = JSON.parse(process.argv[2] ?? "{}");
const kernels = await createKernels(engine);
// Large enough for kernels to cut their work into many chunks.
const data = syntheticDataset({ entities: 600, relations: 6, triples: 4000, seed: 11 });
const options = { epochs, batchSize: 256, negatives: 31, validation: { every: 1 }, seed: 5 };

const out = mkdtempSync(join(tmpdir(), "mulde-trained-"));
const outcomes = {};
try {
  const teacher = await train({ ...options, model: { name: "RotH", dim: 16 } }, { data, kernels }).result;
  await save("teacher", teacher.model);
  const teachers = [modelTeacher(teacher.model, "teacher")];
  const soft = { candidates: { k: 16 } };
  const junior = { ...options, model: { name: "RotE", dim: 8 }, soft };
  const taught = await distil(junior, { data, kernels, teachers }).result;
  await save("junior", taught.model);
  await experiment(soft);
} finally {
  rmSync(out, { recursive: true });
}
await kernels.engine.close();
console.log(JSON.stringify({ isa: kernels.isa, threads: kernels.threads, outcomes }));

async function save(name, model) {
  const { entities, relations } = data;
  await saveModel(model, join(out, name), { entities: entities.names, relations: relations.names });
  await tell(name, join(out, name));
}

/** Teachers by other losses and models, one of them computed by TensorFlow.js, and a Junior that looks up its own best candidates. */
async function experiment(soft) {
  const plan = parseExperiment({
    data: "synthetic",
    defaults: { ...options, optimizer: { learningRate: 0.01 } },
    teachers: [
      { model: { name: "ComplEx", dim: 16 }, loss: "1vsAll" },
      { model: { name: "TransE", dim: 16 }, loss: "crossEntropy" },
      { model: { name: "TuckER", dim: 8 } },
    ],
    junior: { model: { name: "AttH", dim: 8 }, soft },
  });
  await runExperiment(plan, { data, kernels, out: join(out, "experiment") }).result;
  for (const name of ["ComplEx", "TransE", "TuckER", "undistilled", "distilled"]) {
    await tell(`experiment/${name}`, join(out, "experiment", name));
  }
}

async function tell(name, directory) {
  const files = ["model.safetensors", "entities.tsv", "relations.tsv"];
  const sha256 = files.map((file) =>
    createHash("sha256")
      .update(readFileSync(join(directory, file)))
      .digest("hex"),
  );
  const { model } = await loadModel(directory, { kernels });
  const { mrr } = await evaluateModel(model, data);
  outcomes[name] = { sha256, mrr, scores: [...model.score(data.test)] };
  model.dispose();
}
