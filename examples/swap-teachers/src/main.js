// Distils a small Junior from the teachers of teachers.js, and trains its twin without them.
import { loadDataset } from "@mulde/datasets";
import { distil, train } from "@mulde/mulde-trainer";
import { show } from "./progress.js";
import { teachers } from "./teachers.js";

const epochs = Number(process.env.EPOCHS ?? 15);
const data = await loadDataset("wordnet31-small");
const options = { epochs, negatives: 63, optimizer: { learningRate: 0.005 } };
const junior = { ...options, model: { name: "RotH", dim: 16 } };

const set = await teachers(data, options);
// Distances score below 0, dot products and counts on both sides of it: with its best at 0 every teacher can be scaled alike.
const senior = { normalization: "belowBest" };
const soft = { candidates: { k: 64 }, weight: 2 };
const distilled = await show("distilled", distil({ ...junior, soft, senior }, { data, teachers: set }));
const undistilled = await show("undistilled", train(junior, { data }));

console.log(`Teachers: ${set.map(({ name }) => name).join(", ")}`);
for (const [name, { best }] of Object.entries({ distilled, undistilled })) {
  const { mrr, hits } = best.metrics;
  console.log(`${name.padEnd(11)}  validation MRR ${mrr.toFixed(3)}  Hits@10 ${hits[10].toFixed(3)}`);
}
