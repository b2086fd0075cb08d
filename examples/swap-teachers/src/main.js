// Distils a small Junior from the teachers of teachers.js, and trains its twin without them.
import { loadDataset } from "@mulde/datasets";
import { distil, pretrainTeacher } from "@mulde/mulde-trainer";
import { belowBest } from "@mulde/senior";
import { show } from "./progress.js";
import { teachers } from "./teachers.js";

const epochs = Number(process.env.EPOCHS ?? 15);
const data = await loadDataset("wordnet31-small");
const options = { epochs, batchSize: 256, negatives: 63, adversarial: 1, learningRate: 0.005, schedule: "cosine" };
const junior = { ...options, model: "RotH", dim: 16, curvature: "relation" };

const set = await teachers(data, options);
// Distances score below 0, dot products and counts on both sides of it: with its best at 0 every teacher can be scaled alike.
const senior = { normalization: belowBest() };
const distilled = await show(
  "distilled",
  distil({ ...junior, topK: 64, softWeight: 2 }, { data, teachers: set, senior }),
);
const undistilled = await show("undistilled", pretrainTeacher(junior, { data }));

console.log(`Teachers: ${set.map(({ name }) => name).join(", ")}`);
for (const [name, { best }] of Object.entries({ distilled, undistilled })) {
  const { mrr, hits } = best.metrics;
  console.log(`${name.padEnd(11)}  validation MRR ${mrr.toFixed(3)}  Hits@10 ${hits[10].toFixed(3)}`);
}
