// Distils a small Junior from the teachers of teachers.js, and trains its twin without them.
import { loadDataset } from "@mulde/datasets";
import { distil, train } from "@mulde/mulde-trainer";
import { belowBest } from "@mulde/senior";
import { show } from "./progress.js";
import { teachers } from "./teachers.js";

const epochs = Number(process.env.EPOCHS ?? 15);
const data = await loadDataset("wordnet31-small");
const options = { epochs, negatives: 63, optimizer: { learningRate: 0.005 } };
const junior = { ...options, model: { name: "RotH", dim: 16 } };

const set = await teachers(data, options);
// Distances score below 0, dot products and counts on both sides of it. With every teacher's best at 0 they can be scaled alike.
const parts = { senior: { normalization: belowBest() } };
const soft = { candidates: 64, weight: 2 };
const distilled = await show("distilled", distil({ ...junior, soft }, { data, teachers: set, parts }));
const undistilled = await show("undistilled", train(junior, { data }));

console.log(`Teachers: ${set.map(({ name }) => name).join(", ")}`);
for (const [name, { best }] of Object.entries({ distilled, undistilled })) {
  const { mrr, hits } = best.metrics;
  console.log(`${name.padEnd(11)}  validation MRR ${mrr.toFixed(3)}  Hits@10 ${hits[10].toFixed(3)}`);
}
