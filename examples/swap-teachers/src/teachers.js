// The teacher set: put your own here. A teacher is { name, score }; nothing else in this project knows what it is.
import { modelTeacher } from "@mulde/kge-models";
import { train } from "@mulde/mulde-trainer";
import { functionTeacher } from "@mulde/senior";
import { show } from "./progress.js";

/** Two models of other families and dimensions, and a plain function. */
export async function teachers(data, options) {
  const trained = [];
  for (const [name, dim] of Object.entries({ RotH: 32, ComplEx: 64 })) {
    const { model } = await show(name, train({ ...options, model: { name, dim } }, { data }));
    trained.push(modelTeacher(model, name));
  }
  return [...trained, popularity(data)];
}

/** Scores a tail by how often the relation ends in it; any rule, service or language model that scores triples would do. */
function popularity({ train, entities, relations }) {
  const counts = new Float32Array(2 * relations.size * entities.size);
  for (let i = 0; i < train.length; i++) {
    counts[train.relations[i] * entities.size + train.tails[i]]++;
    counts[(train.relations[i] + relations.size) * entities.size + train.heads[i]]++;
  }
  return functionTeacher("popularity", (_heads, rows, candidates) => {
    const K = candidates.length / rows.length;
    return Float32Array.from(candidates, (tail, i) =>
      Math.log1p(counts[rows[Math.floor(i / K)] * entities.size + tail]),
    );
  });
}
