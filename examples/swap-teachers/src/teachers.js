// The teacher set: swap these lines for yours. A teacher is { name, score }; nothing else in this project knows what it is.
import { modelTeacher } from "@mulde/kge-models";
import { finish, pretrainTeacher } from "@mulde/mulde-trainer";
import { functionTeacher } from "@mulde/senior";

/** Two models of other families and dimensions, and a plain function. */
export async function teachers(data, options) {
  const rotH = await finish(pretrainTeacher({ ...options, model: "RotH", dim: 32, curvature: "relation" }, { data }));
  const complEx = await finish(pretrainTeacher({ ...options, model: "ComplEx", dim: 64 }, { data }));
  return [modelTeacher(rotH.model, "RotH"), modelTeacher(complEx.model, "ComplEx"), popularity(data)];
}

/** Scores a tail by how often the relation ends in it: any rule, service or language model that can score triples would do. */
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
